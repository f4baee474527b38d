//! The contract of the crate: whoever can give a token.
//!
//! A source stands for one identity and one set of scopes, so [`TokenSource::token`] takes no
//! arguments and a cache around it has one slot: nobody can get another user's token.

use crate::error::Error;
use crate::token::Token;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// Whoever can give a token, from any thread.
///
/// One method must be written. The others have sound defaults, and `&T`, `Box<T>`, `Arc<T>` (also of
/// `dyn TokenSource`) and every decorator of this crate forward all of them. A closure becomes a
/// source through [`from_fn`].
///
/// A source that is asked twice may ask the network twice; [`Cached`](crate::Cached) remembers.
///
/// ```
/// use shortway::{Error, Token, TokenKind, TokenSource};
/// use std::time::{Duration, SystemTime};
///
/// struct FromVault;
///
/// impl TokenSource for FromVault {
///     fn token(&self) -> Result<Token, Error> {
///         // … ask the vault …
///         Token::new(TokenKind::Access, "ya29.from-the-vault", SystemTime::now() + Duration::from_secs(600))
///     }
/// }
///
/// let shared: Box<dyn TokenSource> = Box::new(FromVault);
/// assert_eq!(shared.token()?.expose_secret(), "ya29.from-the-vault");
/// # Ok::<(), Error>(())
/// ```
pub trait TokenSource: Send + Sync {
    /// A token that servers take now.
    ///
    /// # Errors
    /// Whatever keeps the source from it; [`Error::is_retryable`] tells whether to call again.
    fn token(&self) -> Result<Token, Error>;

    /// The same, with wishes of the caller. The default ignores them: right for a source that is
    /// quick and always makes a new token.
    ///
    /// # Errors
    /// As [`token`](Self::token), and [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) when the
    /// caller's deadline passes first.
    fn token_for(&self, ask: &Ask) -> Result<Token, Error> {
        let _ = ask;
        self.token()
    }

    /// Who the tokens speak for, if the source knows. Errors name it.
    fn identity(&self) -> Option<&Identity> {
        None
    }

    /// Says that a server refused `token` although it has not expired. A source that keeps tokens
    /// drops this very one, and no newer one.
    fn invalidate(&self, token: &Token) {
        let _ = token;
    }
}

/// What a caller wishes of one call.
///
/// ```
/// use shortway::Ask;
/// use std::time::{Duration, Instant};
///
/// let ask = Ask::new().deadline(Instant::now() + Duration::from_secs(2));
/// assert!(ask.deadline_at().is_some());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Ask {
    deadline: Option<Instant>,
    not: Option<Token>,
    single_attempt: bool,
    waits_for_back_off: bool,
    ignores_back_off: bool,
}

impl Ask {
    /// No wishes: the source's own time limit holds and any token will do.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The call returns by `deadline` (monotonic clock of the source), with an error if it must. A caller who makes the
    /// refresh that others wait for makes it by its own deadline, and they share what comes of it.
    #[must_use]
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// "Not this token, I have it already": a source that keeps tokens asks for a newer one.
    #[must_use]
    pub fn other_than(mut self, token: Token) -> Self {
        self.not = Some(token);
        self
    }

    /// No retries: one attempt, and its failure at once.
    #[must_use]
    pub fn single_attempt(mut self) -> Self {
        self.single_attempt = true;
        self
    }

    /// Where a refresh failed a moment ago, wait for the next try, if it is due before the deadline, instead of failing at
    /// once with [`ErrorKind::Backoff`](crate::ErrorKind::Backoff).
    #[must_use]
    pub fn wait_for_back_off(mut self) -> Self {
        self.waits_for_back_off = true;
        self
    }

    /// Where a refresh failed a moment ago, try again all the same, this once: for a caller who knows that the reason is
    /// gone.
    #[must_use]
    pub fn ignore_back_off(mut self) -> Self {
        self.ignores_back_off = true;
        self
    }

    /// Whether only one attempt shall be made.
    #[must_use]
    pub fn is_single_attempt(&self) -> bool {
        self.single_attempt
    }

    /// Whether the caller waits for a back-off to end.
    #[must_use]
    pub fn waits_for_back_off(&self) -> bool {
        self.waits_for_back_off
    }

    /// Whether the caller tries in spite of a back-off.
    #[must_use]
    pub fn ignores_back_off(&self) -> bool {
        self.ignores_back_off
    }

    /// The deadline, if one was given.
    #[must_use]
    pub fn deadline_at(&self) -> Option<Instant> {
        self.deadline
    }

    /// The token that the caller has already, if one was named.
    #[must_use]
    pub fn unwanted(&self) -> Option<&Token> {
        self.not.as_ref()
    }
}

/// Who a source's tokens speak for and what they may do. Nothing in it is secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Identity {
    /// The service account's e-mail address, `name@project.iam.gserviceaccount.com`.
    pub email: Option<String>,
    /// The id of the signing key, `private_key_id` in key files.
    pub key_id: Option<String>,
    /// The scopes, in the order asked for.
    pub scopes: Vec<String>,
    /// The user acted for (domain-wide delegation).
    pub subject: Option<String>,
    /// Whom the assertion is addressed to, the `aud` claim.
    pub audience: Option<String>,
    /// The URL of the token endpoint.
    pub endpoint: Option<String>,
}

impl<T: TokenSource + ?Sized> TokenSource for &T {
    fn token(&self) -> Result<Token, Error> {
        (**self).token()
    }
    fn token_for(&self, ask: &Ask) -> Result<Token, Error> {
        (**self).token_for(ask)
    }
    fn identity(&self) -> Option<&Identity> {
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
    fn identity(&self) -> Option<&Identity> {
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
    fn identity(&self) -> Option<&Identity> {
        (**self).identity()
    }
    fn invalidate(&self, token: &Token) {
        (**self).invalidate(token);
    }
}

/// A source from a closure that makes a token on each call.
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

/// A closure as a source: see [`from_fn`].
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
