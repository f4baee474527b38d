//! A token source that returns what a test tells it to.

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind};
use crate::token::{Token, TokenKind};
use crate::token_source::{Ask, Identity, TokenSource};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Returns tokens and errors in the order that a test gives, and records its calls; with
/// [`must_be_used`](Self::must_be_used) it fails the test that does not make them all.
///
/// ```
/// use shortway::testing::ScriptedSource;
/// use shortway::{Error, ErrorKind, TokenSource};
///
/// let source = ScriptedSource::new()
///     .then_token("ya29.first")
///     .then_error(Error::new(ErrorKind::Dns, "no network"));
/// assert_eq!(source.token()?.expose_secret(), "ya29.first");
/// assert_eq!(source.token().unwrap_err().kind(), ErrorKind::Dns);
/// assert_eq!(source.calls(), 2);
/// # Ok::<(), Error>(())
/// ```
///
/// With [`numbered`](Self::numbered) it never runs out of tokens. Under a [`ManualClock`](super::ManualClock)
/// its tokens expire by that clock:
///
/// ```
/// use shortway::testing::{ManualClock, ScriptedSource};
/// use shortway::{CachePolicy, Cached, TokenSource};
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let source = ScriptedSource::numbered().with_clock(clock.clone()).with_lifetime(Duration::from_secs(600));
/// let cached = Cached::with_policy(source, CachePolicy::default(), Arc::new(clock.clone()));
/// assert_eq!(cached.token()?.expose_secret(), "token-1");
/// clock.advance(Duration::from_secs(600));
/// assert_eq!(cached.token()?.expose_secret(), "token-2");
/// # Ok::<(), shortway::Error>(())
/// ```
pub struct ScriptedSource {
    identity: Option<Identity>,
    clock: Arc<dyn Clock>,
    lifetime: Duration,
    numbered: bool,
    must_be_used: bool,
    script: Mutex<Script>,
}

#[derive(Debug, Default)]
struct Script {
    steps: VecDeque<Step>,
    asks: Vec<Ask>,
    invalidated: Vec<Token>,
    /// How many calls found no outcome.
    unanswered: usize,
}

#[derive(Debug)]
enum Step {
    /// A token that expires one lifetime after the call.
    Fresh(Token),
    Outcome(Result<Token, Error>),
}

/// How long tokens live unless a test says otherwise: 1 h, as Google's.
const LIFETIME: Duration = Duration::from_secs(3600);

impl ScriptedSource {
    /// A source without outcomes: every call is an error until outcomes are added.
    #[must_use]
    pub fn new() -> Self {
        Self {
            identity: None,
            clock: Arc::new(SystemClock),
            lifetime: LIFETIME,
            numbered: false,
            must_be_used: false,
            script: Mutex::default(),
        }
    }

    /// A source of numbered tokens: when no added outcome is left, call n returns `token-n`, counted from 1.
    #[must_use]
    pub fn numbered() -> Self {
        let mut source = Self::new();
        source.numbered = true;
        source
    }

    /// Makes the script a claim: when the source is dropped, every outcome must have been taken, and every
    /// call must have found one.
    ///
    /// ```should_panic
    /// use shortway::testing::ScriptedSource;
    /// use shortway::{TokenSource, Cached};
    ///
    /// let source = ScriptedSource::new().then_token("ya29.first").then_token("ya29.second");
    /// let cached = Cached::new(source.must_be_used());
    /// cached.token()?;
    /// cached.token()?; // comes from the cache, so the second token is never taken
    /// # Ok::<(), shortway::Error>(())
    /// ```
    ///
    /// # Panics
    /// The drop does, unless its thread is panicking already: an outcome is left, or a call found none.
    #[must_use]
    pub fn must_be_used(mut self) -> Self {
        self.must_be_used = true;
        self
    }

    /// Sets the clock by which tokens expire; the system's by default.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets how long the tokens of [`then_token`](Self::then_token) and [`numbered`](Self::numbered) live,
    /// from the call that returns them; 1 h by default.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets the identity that the source reports.
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Adds an access token with this text. It expires one lifetime after the call that returns it.
    ///
    /// # Panics
    /// When the text is no token: empty, or with characters that a header cannot carry.
    #[must_use]
    pub fn then_token(self, secret: &str) -> Self {
        let token = Token::new(TokenKind::Access, secret, self.clock.now()).expect("a token's text");
        self.script().steps.push_back(Step::Fresh(token));
        self
    }

    /// Adds an error.
    #[must_use]
    pub fn then_error(self, error: Error) -> Self {
        self.then(Err(error))
    }

    /// Adds an outcome, a token as it is or an error.
    #[must_use]
    pub fn then(self, outcome: Result<Token, Error>) -> Self {
        self.push(outcome);
        self
    }

    /// Adds an outcome to a source that is in use.
    pub fn push(&self, outcome: Result<Token, Error>) {
        self.script().steps.push_back(Step::Outcome(outcome));
    }

    /// How many calls asked for a token.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.script().asks.len()
    }

    /// The options of each call, in order.
    #[must_use]
    pub fn asks(&self) -> Vec<Ask> {
        self.script().asks.clone()
    }

    /// The tokens that were reported as refused, in order.
    #[must_use]
    pub fn invalidated(&self) -> Vec<Token> {
        self.script().invalidated.clone()
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A token with this text that is granted now.
    fn grant(&self, kind: TokenKind, secret: &str) -> Result<Token, Error> {
        Ok(Token::new(kind, secret, self.clock.now() + self.lifetime)?.with_lifetime(self.lifetime))
    }
}

impl Drop for ScriptedSource {
    fn drop(&mut self) {
        if !self.must_be_used || thread::panicking() {
            return;
        }
        let script = self.script();
        let (left, unanswered, calls) = (script.steps.len(), script.unanswered, script.asks.len());
        drop(script);
        assert!(left == 0, "the scripted source has {left} outcomes left after {calls} calls");
        assert!(unanswered == 0, "{unanswered} of {calls} calls of the scripted source found no outcome");
    }
}

impl Default for ScriptedSource {
    fn default() -> Self {
        Self::new()
    }
}

impl TokenSource for ScriptedSource {
    fn token(&self) -> Result<Token, Error> {
        self.token_for(&Ask::new())
    }

    fn token_for(&self, ask: &Ask) -> Result<Token, Error> {
        let (call, step) = {
            let mut script = self.script();
            script.asks.push(ask.clone());
            let step = script.steps.pop_front();
            script.unanswered += usize::from(step.is_none() && !self.numbered);
            (script.asks.len(), step)
        };
        match step {
            Some(Step::Fresh(token)) => self.grant(token.kind(), token.expose_secret()),
            Some(Step::Outcome(outcome)) => outcome,
            None if self.numbered => self.grant(TokenKind::Access, &format!("token-{call}")),
            None => {
                Err(Error::new(ErrorKind::Other, "the scripted source has no outcome left for this call"))
            }
        }
    }

    fn identity(&self) -> Option<Identity> {
        self.identity.clone()
    }

    fn invalidate(&self, token: &Token) {
        self.script().invalidated.push(token.clone());
    }
}

impl fmt::Debug for ScriptedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedSource")
            .field("identity", &self.identity)
            .field("lifetime", &self.lifetime)
            .field("script", &*self.script())
            .finish_non_exhaustive()
    }
}
