//! The pause after a failed refresh: how long it lasts and which callers it holds off.

use super::held::{Now, after, time_to};
use super::policy::{DENIED_PAUSE, LONGEST_ASKED_PAUSE, pause};
use crate::error::{Error, ErrorKind};
use std::time::{Duration, Instant, SystemTime};

/// The failures since the last success.
#[derive(Default)]
pub(super) struct BackOff {
    /// The last failure of the source. It holds off every caller.
    failed: Option<Failure>,
    /// The last failures for lack of time, one for each time that a refresh had. They hold off callers that
    /// give no more.
    timed_out: Vec<Failure>,
}

struct Failure {
    error: Error,
    at: Instant,
    /// The pause that the server asked for.
    asked: Option<Duration>,
    /// How many failed in a row.
    count: u32,
    /// This failure's random number, from 0 to 1.
    share: f64,
    /// How much time the refresh had.
    time: Duration,
}

/// The caller, as far as a pause is concerned.
#[derive(Clone, Copy)]
pub(super) struct Asker {
    pub(super) now: Now,
    /// How much time the caller gives for a refresh.
    pub(super) patience: Duration,
    /// Whether the caller has a usable token.
    pub(super) usable: bool,
}

/// Whether a caller that gives `patience` may succeed where a refresh that had `other` ran out of time. A
/// sixteenth more is not enough: deadlines of callers that mean the same time differ a little.
pub(super) fn is_more(patience: Duration, other: Duration) -> bool {
    patience > other.saturating_add(other / 16)
}

/// Whether a refresh that had more time might not have failed like this: it timed out, or no connection was
/// made, which a source tries again as long as it has time.
pub(super) fn is_for_lack_of_time(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Connect | ErrorKind::Dns)
}

impl BackOff {
    /// Adds a failure of a refresh that began at `before`, ended at `now` and had `time`. Returns the failure
    /// that it replaces, which may hold an error type of the source's: it must not be dropped under a lock.
    pub(super) fn add(
        &mut self,
        error: Error,
        (before, now): (Now, Now),
        share: f64,
        time: Duration,
    ) -> Self {
        let asked = error.retry_at().and_then(|at| time_to(at, before, now));
        let mut failure = Failure { error, at: now.monotonic, asked, count: 1, share, time };
        if !is_for_lack_of_time(&failure.error) {
            failure.follow(self.failed.as_ref());
            return Self { failed: self.failed.replace(failure), timed_out: Vec::new() };
        }
        let is_same = |last: &Failure| !is_more(time, last.time) && !is_more(last.time, time);
        let same = self.timed_out.iter().position(is_same);
        failure.follow(same.map(|i| &self.timed_out[i]));
        let full = (self.timed_out.len() == REMEMBERED).then_some(0);
        let replaced = same.or(full).map(|i| self.timed_out.remove(i));
        self.timed_out.push(failure);
        Self { failed: None, timed_out: replaced.into_iter().collect() }
    }

    /// The error for a caller that is held off.
    pub(super) fn error(&self, asker: Asker) -> Option<Error> {
        self.holding(asker).map(|(failure, left)| failure.as_back_off(left, asker.now.wall.checked_add(left)))
    }

    /// How long the caller is still held off.
    pub(super) fn left(&self, asker: Asker) -> Duration {
        self.holding(asker).map(|(_, left)| left).unwrap_or_default()
    }

    /// The failure that holds the caller off longest, and how long.
    fn holding(&self, asker: Asker) -> Option<(&Failure, Duration)> {
        let timed_out = self.timed_out.iter().filter(|last| !is_more(asker.patience, last.time));
        let left = |failure: &Failure| {
            let end = after(failure.at, failure.pause(asker.usable));
            end.saturating_duration_since(asker.now.monotonic)
        };
        let all = self.failed.iter().chain(timed_out).map(|failure| (failure, left(failure)));
        all.max_by_key(|(_, left)| *left).filter(|(_, left)| !left.is_zero())
    }
}

/// How many failures for lack of time are remembered: 8. Few programs have callers with more different
/// deadlines.
const REMEMBERED: usize = 8;

impl Failure {
    /// Counts on from the last failure of the same sort.
    fn follow(&mut self, last: Option<&Self>) {
        self.count = last.map_or(0, |last| last.count).saturating_add(1);
    }

    /// How long after the failure no refresh is made.
    fn pause(&self, usable: bool) -> Duration {
        if let Some(asked) = self.asked {
            return asked.min(LONGEST_ASKED_PAUSE).max(pause(1, self.share, usable));
        }
        if !self.error.is_retryable() && !usable {
            return DENIED_PAUSE;
        }
        pause(self.count, self.share, usable)
    }

    /// The reason is in the text, for programs that print no more; the cause of the failure stays the cause.
    fn as_back_off(&self, left: Duration, retry_at: Option<SystemTime>) -> Error {
        let (reason, seconds) = (self.error.message(), left.as_secs() + 1);
        let message =
            format!("no token: the last refresh failed ({reason}), the next one is due in {seconds} s");
        let mut error = Error::new(ErrorKind::Backoff, message)
            .with_retryable(self.error.is_retryable())
            .with_source_of(&self.error);
        if let Some(hint) = self.error.hint() {
            error = error.with_hint(hint);
        }
        if let Some(status) = self.error.status() {
            error = error.with_status(status);
        }
        if let Some(code) = self.error.code() {
            error = error.with_code(code);
        }
        match retry_at {
            Some(at) => error.with_retry_at(at),
            None => error,
        }
    }
}
