//! The contract of the crate: a source of tokens.
//!
//! A source stands for one identity and one set of scopes, so [`TokenSource::token`] takes no
//! arguments and a cache around it has one slot: no caller can get another user's token.

mod ask;
mod identity;

pub use ask::Ask;
pub use identity::Identity;

use crate::error::Error;
use crate::token::Token;
use std::fmt;
use std::sync::Arc;

/// A source of tokens, for any number of threads.
///
/// One method must be written. The others have sound defaults, and `&T`, `Box<T>`, `Arc<T>` (also of
/// `dyn TokenSource`) and every decorator of this crate forward all of them. [`from_fn`] makes a source
/// of a closure.
///
/// A source may send a request on every call; [`Cached`](crate::Cached) around it keeps the token.
///
/// ```
/// use shortway::{Error, Token, TokenKind, TokenSource};
/// use std::time::{Duration, SystemTime};
///
/// struct FromVault;
///
/// impl TokenSource for FromVault {
///     fn token(&self) -> Result<Token, Error> {
///         // … read it from the vault …
///         Token::new(TokenKind::Access, "ya29.from-the-vault", SystemTime::now() + Duration::from_secs(600))
///     }
/// }
///
/// let shared: Box<dyn TokenSource> = Box::new(FromVault);
/// assert_eq!(shared.token()?.expose_secret(), "ya29.from-the-vault");
/// # Ok::<(), Error>(())
/// ```
pub trait TokenSource: Send + Sync {
    /// A token that is valid now.
    ///
    /// # Errors
    /// Those of the source; [`Error::is_retryable`] tells whether another call may succeed.
    fn token(&self) -> Result<Token, Error>;

    /// Like [`token`](Self::token), with options. The default ignores them: right for a source that is
    /// quick and always makes a new token.
    ///
    /// # Errors
    /// As [`token`](Self::token), and [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) when the
    /// caller's deadline passes first.
    fn token_for(&self, ask: &Ask) -> Result<Token, Error> {
        let _ = ask;
        self.token()
    }

    /// A token that is kept somewhere and needs no request. A cache asks for it when a refresh has failed, and in
    /// the pause after that: another process may have a token by now. The default has none, which is right for a
    /// source that keeps nothing.
    fn kept_token(&self, ask: &Ask) -> Option<Token> {
        let _ = ask;
        None
    }

    /// The identity that the tokens stand for, if the source knows it. Errors name it, and token stores use
    /// it as their key.
    fn identity(&self) -> Option<Identity> {
        None
    }

    /// Reports that a server refused `token` although it has not expired. A source that keeps tokens
    /// drops this one, and no newer one.
    fn invalidate(&self, token: &Token) {
        let _ = token;
    }
}

impl<T: TokenSource + ?Sized> TokenSource for &T {
    fn token(&self) -> Result<Token, Error> {
        (**self).token()
    }
    fn token_for(&self, ask: &Ask) -> Result<Token, Error> {
        (**self).token_for(ask)
    }
    fn kept_token(&self, ask: &Ask) -> Option<Token> {
        (**self).kept_token(ask)
    }
    fn identity(&self) -> Option<Identity> {
        (**self).identity()
    }
    fn invalidate(&self, token: &Token) {
        (**self).invalidate(token);
    }
}

impl<T: TokenSource + ?Sized> TokenSource for Box<T> {
    fn token(&self) -> Result<Token, Error> {
        (**self).token()
    }
    fn token_for(&self, ask: &Ask) -> Result<Token, Error> {
        (**self).token_for(ask)
    }
    fn kept_token(&self, ask: &Ask) -> Option<Token> {
        (**self).kept_token(ask)
    }
    fn identity(&self) -> Option<Identity> {
        (**self).identity()
    }
    fn invalidate(&self, token: &Token) {
        (**self).invalidate(token);
    }
}

impl<T: TokenSource + ?Sized> TokenSource for Arc<T> {
    fn token(&self) -> Result<Token, Error> {
        (**self).token()
    }
    fn token_for(&self, ask: &Ask) -> Result<Token, Error> {
        (**self).token_for(ask)
    }
    fn kept_token(&self, ask: &Ask) -> Option<Token> {
        (**self).kept_token(ask)
    }
    fn identity(&self) -> Option<Identity> {
        (**self).identity()
    }
    fn invalidate(&self, token: &Token) {
        (**self).invalidate(token);
    }
}

/// A source that calls `make` for every token.
///
/// ```
/// use shortway::{Token, TokenKind, TokenSource};
/// use std::time::{Duration, SystemTime};
///
/// let source = shortway::from_fn(|| {
///     Token::new(TokenKind::Access, "ya29.made-here", SystemTime::now() + Duration::from_secs(60))
/// });
/// assert_eq!(source.token()?.expose_secret(), "ya29.made-here");
/// # Ok::<(), shortway::Error>(())
/// ```
pub fn from_fn<F>(make: F) -> FromFn<F>
where
    F: Fn() -> Result<Token, Error> + Send + Sync,
{
    FromFn(make)
}

/// The source that [`from_fn`] makes of a closure.
#[derive(Clone, Copy)]
pub struct FromFn<F>(F);

impl<F> TokenSource for FromFn<F>
where
    F: Fn() -> Result<Token, Error> + Send + Sync,
{
    fn token(&self) -> Result<Token, Error> {
        (self.0)()
    }
}

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FromFn(..)")
    }
}
