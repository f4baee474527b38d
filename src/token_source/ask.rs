//! Options for one call of a source.

use crate::token::Token;
use std::time::Instant;

/// Options for one call of [`TokenSource::token_for`](crate::TokenSource::token_for).
///
/// ```
/// use shortway::Ask;
/// use std::time::{Duration, Instant};
///
/// let ask = Ask::new().with_deadline(Instant::now() + Duration::from_secs(2));
/// assert!(ask.deadline().is_some());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Ask {
    deadline: Option<Instant>,
    other_than: Option<Token>,
    single_attempt: bool,
}

impl Ask {
    /// No options: the source's own time limit applies, and any valid token is taken.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The call returns by `deadline` (monotonic clock of the source), with an error if necessary.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// The caller has `token` already and needs another one: a source that keeps tokens requests a new one.
    /// A cache accepts this at most three times a minute.
    #[must_use]
    pub fn with_other_than(mut self, token: Token) -> Self {
        self.other_than = Some(token);
        self
    }

    /// One attempt, without retries.
    #[must_use]
    pub fn with_single_attempt(mut self) -> Self {
        self.single_attempt = true;
        self
    }

    /// The deadline, if one is set.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The token that the caller has already, if one is set.
    #[must_use]
    pub fn other_than(&self) -> Option<&Token> {
        self.other_than.as_ref()
    }

    /// Whether only one attempt is made.
    #[must_use]
    pub fn single_attempt(&self) -> bool {
        self.single_attempt
    }
}
