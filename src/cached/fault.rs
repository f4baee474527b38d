//! What can go wrong in the cache itself: kinds, texts and advice.

use crate::error::{Error, ErrorKind};

#[derive(Clone, Copy)]
pub(super) enum Fault {
    OutOfTime,
    UnderWay,
    OwnRefresh,
    Panicked,
    Expired,
    Refused,
    Repeated,
    NoLater,
    AboutToExpire,
    ReplacedTooOften,
}

impl Fault {
    fn kind(self) -> ErrorKind {
        match self {
            Self::OutOfTime | Self::UnderWay => ErrorKind::Timeout,
            Self::OwnRefresh => ErrorKind::Other,
            Self::Panicked => ErrorKind::Aborted,
            Self::ReplacedTooOften => ErrorKind::Backoff,
            Self::Expired | Self::Refused | Self::Repeated | Self::NoLater | Self::AboutToExpire => {
                ErrorKind::Unavailable
            }
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::OutOfTime => "no token, and no time left to request one",
            Self::UnderWay => "no token in time: the refresh by another thread has not ended",
            Self::OwnRefresh => "the token source called its own cache during a refresh",
            Self::Panicked => "the thread that requested a token panicked",
            Self::Expired => "the source returned a token that has expired already",
            Self::Refused => "the source returned a token that a server has refused",
            Self::Repeated => "the source returned the same token again",
            Self::NoLater => "the source returned a token that expires no later than the cached one",
            Self::AboutToExpire => "the source returned a token that is about to expire",
            Self::ReplacedTooOften => {
                "no other token: the cached one was replaced three times within a minute"
            }
        }
    }

    fn hint(self) -> Option<&'static str> {
        match self {
            Self::OwnRefresh => Some("give it, or the logger that it calls, another token source"),
            Self::Expired => Some("if this repeats, compare the clock of this machine with the true time"),
            _ => None,
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let error = Self::new(fault.kind(), fault.message());
        match fault.hint() {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
}
