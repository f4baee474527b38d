//! Remote calls for tokens: one endpoint a module, without memory.
//!
//! `Remote` is what every kind of credential calls through: transport, clock, limits, attempts. A new kind of
//! credential brings the attempt and nothing else.

pub mod token;

use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::http::Transport;
use crate::retry::{self, Outcome, RetryPolicy, Schedule};
use crate::token_source::Ask;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A way to an endpoint, with the limits of one call.
#[derive(Clone)]
pub(crate) struct Remote {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) retry: RetryPolicy,
}

/// How long one request may take: 10 s. Google answers in a tenth of a second.
const REQUEST: Duration = Duration::from_secs(10);

/// How long a call may take with all its attempts when the caller sets no deadline: 30 s.
const CALL: Duration = Duration::from_secs(30);

/// One attempt of a [`Remote`] call.
#[derive(Clone, Copy)]
pub(crate) struct Attempt {
    /// From 1 on.
    pub(crate) number: u32,
    /// When it must be over, signing included.
    pub(crate) deadline: Instant,
}

impl Remote {
    /// [`attempts`] with the limits of this remote.
    pub(crate) fn run<T>(&self, ask: &Ask, attempt: impl FnMut(Attempt) -> Outcome<T>) -> Result<T, Error> {
        attempts(&*self.clock, self.retry, ask, attempt)
    }
}

/// Calls `attempt` until it succeeds, fails for good, or neither attempts nor time are left. With
/// [`Ask::single_attempt`] it is called once; otherwise attempts for which no connection was made go on until
/// the deadline.
pub(crate) fn attempts<T>(
    clock: &dyn Clock,
    retry: RetryPolicy,
    ask: &Ask,
    mut attempt: impl FnMut(Attempt) -> Outcome<T>,
) -> Result<T, Error> {
    let deadline = ask.deadline().unwrap_or_else(|| clock.monotonic() + CALL);
    let policy = if ask.single_attempt() { RetryPolicy::NONE } else { retry };
    let schedule = Schedule { policy, clock, deadline, waits_for_network: !ask.single_attempt() };
    retry::run(schedule, |next| {
        let now = clock.monotonic();
        if now >= deadline {
            let message = "cannot get a token: the deadline has passed";
            return Outcome::Final(Err(Error::new(ErrorKind::Timeout, message)));
        }
        attempt(Attempt { number: next.number, deadline: deadline.min(now + REQUEST) })
    })
}
