//! A source that says what a test told it to.

use crate::error::{Error, ErrorKind};
use crate::token::{Token, TokenKind};
use crate::token_source::{Ask, Identity, TokenSource};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Gives tokens and errors in the order that a test said, and remembers what it was asked.
///
/// ```
/// use shortway::testing::ScriptedSource;
/// use shortway::{Error, ErrorKind, TokenSource};
///
/// let source = ScriptedSource::new().then_token("ya29.first").then_error(Error::new(ErrorKind::Dns, "no network"));
/// assert_eq!(source.token()?.expose_secret(), "ya29.first");
/// assert_eq!(source.token().unwrap_err().kind(), ErrorKind::Dns);
/// assert_eq!(source.calls(), 2);
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Default)]
pub struct ScriptedSource {
    identity: Option<Identity>,
    script: Mutex<Script>,
}

#[derive(Debug, Default)]
struct Script {
    outcomes: VecDeque<Result<Token, Error>>,
    asks: Vec<Ask>,
    invalidated: Vec<Token>,
}

impl ScriptedSource {
    /// A source with nothing to say: every call is an error until outcomes are added.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Then gives an access token of this text, good for an hour.
    ///
    /// # Panics
    /// When the text is no token: empty, or with characters that a header cannot carry.
    #[must_use]
    pub fn then_token(self, secret: &str) -> Self {
        let expires_at = SystemTime::now() + Duration::from_secs(3600);
        let token = Token::new(TokenKind::Access, secret, expires_at).expect("a token's text");
        self.then(Ok(token))
    }

    /// Then gives this error.
    #[must_use]
    pub fn then_error(self, error: Error) -> Self {
        self.then(Err(error))
    }

    /// Then gives this.
    #[must_use]
    pub fn then(self, outcome: Result<Token, Error>) -> Self {
        self.script().outcomes.push_back(outcome);
        self
    }

    /// Says that it speaks for `identity`.
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// How often it was asked for a token.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.script().asks.len()
    }

    /// What it was asked, call by call.
    #[must_use]
    pub fn asks(&self) -> Vec<Ask> {
        self.script().asks.clone()
    }

    /// The tokens that it was told are refused.
    #[must_use]
    pub fn invalidated(&self) -> Vec<Token> {
        self.script().invalidated.clone()
    }

    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenSource for ScriptedSource {
    fn token(&self) -> Result<Token, Error> {
        self.token_for(&Ask::new())
    }

    fn token_for(&self, ask: &Ask) -> Result<Token, Error> {
        let mut script = self.script();
        script.asks.push(ask.clone());
        script.outcomes.pop_front().unwrap_or_else(|| {
            Err(Error::new(ErrorKind::Other, "the scripted source was asked more often than the test said"))
        })
    }

    fn identity(&self) -> Option<Identity> {
        self.identity.clone()
    }

    fn invalidate(&self, token: &Token) {
        self.script().invalidated.push(token.clone());
    }
}
