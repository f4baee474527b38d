//! What can be wrong with a token store: texts and advice.
//!
//! No fault has a field that could hold a byte of a store.

use super::{document, entry};
use crate::error::{Error, ErrorKind};
use std::io;
use std::path::Path;

/// What was done when a system call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Step {
    #[error("open the directory of")]
    OpenDirectory,
    #[error("create the directory of")]
    CreateDirectory,
    #[error("open")]
    Open,
    #[error("read")]
    Read,
    #[error("create a file beside")]
    Create,
    #[error("write")]
    Write,
    #[error("replace")]
    Replace,
    #[error("lock")]
    Lock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(not(unix), expect(dead_code, reason = "only Unix says who owns a file and who may open it"))]
pub(super) enum Fault {
    #[error("is a symbolic link")]
    Link,
    #[error("is a directory")]
    Directory,
    #[error("is not a regular file")]
    Special,
    #[error("belongs to another user")]
    OtherOwner,
    #[error("can be read or written by other users")]
    OpenToOthers,
    #[error("is in a directory where everybody can replace it")]
    OpenDirectory,
    #[error("is larger than 1 MiB")]
    TooLarge,
    #[error("holds no tokens that can be read")]
    NotAStore,
    #[error("holds something else, and is left as it is")]
    Foreign,
    #[error("was written by another version of this crate (format {0})")]
    Version(u64),
    #[error("the token store has an entry that cannot be read")]
    Entry,
    #[error("the token store has an entry of another account or for something else")]
    OtherIdentity,
    #[error("cannot {0} it: {kind}", kind = .1.to_string())]
    Io(Step, io::ErrorKind),
}

impl Fault {
    pub(super) fn io(step: Step) -> impl Fn(io::Error) -> Failure {
        move |cause| Failure { fault: Self::Io(step, cause.kind()), cause: Some(cause) }
    }

    fn hint(self) -> Option<&'static str> {
        Some(match self {
            Self::Foreign => "name a file of its own; tokens are kept in memory alone",
            Self::Link | Self::Directory | Self::Special => "name a file of its own, or remove what is there",
            Self::OtherOwner => "name a file of the user that runs this program",
            Self::OpenToOthers => {
                "remove it: others may know the tokens in it, and a new one is made for this user alone"
            }
            Self::OpenDirectory => "name a file in a directory that only this user can write to",
            Self::TooLarge | Self::NotAStore | Self::Version(_) | Self::Entry | Self::OtherIdentity => {
                "the next token that is saved replaces it"
            }
            Self::Io(..) => return None,
        })
    }
}

/// A fault, and what the system said.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) fault: Fault,
    cause: Option<io::Error>,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self { fault, cause: None }
    }
}

impl Failure {
    /// The error for the store at `path`.
    pub(super) fn at(self, path: &Path) -> Error {
        let message = match self.fault {
            Fault::Io(step, kind) => format!("cannot {step} the token store {}: {kind}", shown(path)),
            fault => format!("the token store {} {fault}", shown(path)),
        };
        let error = with_hint(Error::new(ErrorKind::Store, message), self.fault).with_path(path);
        match self.cause {
            Some(cause) => error.with_source(cause),
            None => error,
        }
    }
}

/// A path on one line: characters that cannot be seen are escaped, and of a very long one both ends are left.
fn shown(path: &Path) -> String {
    let text = match path.to_str() {
        Some(text)
            if !text.chars().any(|c| !matches!(c, '"' | '\'' | '\\') && c.escape_debug().len() > 1) =>
        {
            text.to_owned()
        }
        _ => format!("{path:?}"),
    };
    let count = text.chars().count();
    if count <= MAX_SHOWN {
        return text;
    }
    let start: String = text.chars().take(MAX_SHOWN / 2).collect();
    let end: String = text.chars().skip(count - MAX_SHOWN / 2).collect();
    format!("{start}…{end}")
}

/// The longest path that is shown whole: 300 characters, as all text from outside.
const MAX_SHOWN: usize = 300;

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        with_hint(Self::new(ErrorKind::Store, fault.to_string()), fault)
    }
}

fn with_hint(error: Error, fault: Fault) -> Error {
    match fault.hint() {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

impl From<document::Damage> for Fault {
    fn from(damage: document::Damage) -> Self {
        match damage {
            document::Damage::TooLarge => Self::TooLarge,
            document::Damage::NotAStore => Self::NotAStore,
            document::Damage::Foreign => Self::Foreign,
            document::Damage::Version(version) => Self::Version(version),
        }
    }
}

impl From<entry::Damage> for Fault {
    fn from(damage: entry::Damage) -> Self {
        match damage {
            entry::Damage::Unreadable => Self::Entry,
            entry::Damage::OtherIdentity => Self::OtherIdentity,
        }
    }
}
