//! The one error of the crate: what failed, what to do, whether to try again.
//!
//! In: a kind, a sentence, facts. Out: an opaque value, cheap to clone, so that all who wait for
//! one refresh can be told the same. No secret is ever put in; text from a server goes through
//! [`scrub`] first.

use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// What went wrong, by what a caller can do about it.
///
/// New kinds may be added: keep a `_` arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Something given to the program is missing or unusable: a path, an environment variable, a
    /// key file's shape, a scope, an endpoint, a property id. A person has to mend it.
    Config,
    /// The private key is damaged, of a kind that cannot sign RS256, or too short.
    Key,
    /// The clock of this machine is too far off for Google to accept what was signed with it.
    Clock,
    /// The host name could not be resolved.
    Dns,
    /// No connection: refused, unreachable, no descriptor left.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// No answer in time.
    Timeout,
    /// The connection broke before the answer was whole.
    Closed,
    /// The answer was not HTTP as it should be.
    Protocol,
    /// The answer, or a file, was larger than its cap.
    TooLarge,
    /// The server answered with a redirect; none is ever followed.
    Redirect,
    /// The token endpoint refused for good: see [`Error::code`].
    Denied,
    /// The server asks to slow down: see [`Error::retry_at`].
    Throttled,
    /// The server is out of order for the moment (5xx).
    Unavailable,
    /// The server says success, but what it sent is no token.
    Malformed,
    /// A refresh failed a moment ago and the next try is not due: see [`Error::retry_at`].
    Backoff,
    /// The refresh that this caller waited for ended without an outcome.
    Aborted,
    /// A token store failed. Never the reason of a failed call, only logged.
    Store,
    /// The API refused the request: see [`Error::status`] and [`Error::code`].
    Api,
    /// A quota of the API is used up.
    Quota,
    /// The API's answer has not the documented shape.
    Schema,
    /// A cell of a report does not fit the type asked for: see [`Error::row`] and
    /// [`Error::column`].
    Row,
    /// Anything else; for sources written outside this crate.
    Other,
}

impl ErrorKind {
    /// Whether the same call may succeed later although nobody changed anything.
    const fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Dns
                | Self::Connect
                | Self::Timeout
                | Self::Closed
                | Self::Protocol
                | Self::Throttled
                | Self::Unavailable
                | Self::Malformed
                | Self::Backoff
                | Self::Aborted
                | Self::Quota
        )
    }
}

/// An error of this crate: cheap to clone, safe to print anywhere.
///
/// `Display` is one line, the message and what to do: `token endpoint refused the assertion:
/// invalid_grant (Invalid JWT Signature.); the key was deleted or disabled: …`. The two halves are
/// also at [`Error::message`] and [`Error::hint`]. No secret is in any text, nor in
/// [`Debug`](fmt::Debug), nor in the [`source`](StdError::source) chain.
///
/// ```
/// use shortway::{Error, ErrorKind};
///
/// // What a token source of your own reports:
/// let error = Error::new(ErrorKind::Unavailable, "vault is sealed").with_hint("unseal it");
/// assert_eq!(error.to_string(), "vault is sealed; unseal it");
/// assert!(error.is_retryable());
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    retryable: Option<bool>,
    retry_at: Option<SystemTime>,
    status: Option<u16>,
    code: Option<String>,
    description: Option<String>,
    attempts: Option<u32>,
    clock_offset: Option<i64>,
    path: Option<PathBuf>,
    row: Option<usize>,
    column: Option<String>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`; `message` says in lower case, without a full stop, which step failed
    /// and how. Whoever calls this keeps secrets out of `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            hint: None,
            retryable: None,
            retry_at: None,
            status: None,
            code: None,
            description: None,
            attempts: None,
            clock_offset: None,
            path: None,
            row: None,
            column: None,
            source: None,
        }))
    }

    /// Adds what to do about it, printed after the message.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.inner().hint = Some(hint.into());
        self
    }

    /// Overrides what the kind says about [`is_retryable`](Self::is_retryable).
    #[must_use]
    pub fn with_retryable(mut self, retryable: bool) -> Self {
        self.inner().retryable = Some(retryable);
        self
    }

    /// Adds when the next try makes sense (UTC).
    #[must_use]
    pub fn with_retry_at(mut self, at: SystemTime) -> Self {
        self.inner().retry_at = Some(at);
        self
    }

    /// Adds the HTTP status that the server answered with.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.inner().status = Some(status);
        self
    }

    /// Adds the server's own word for the error, such as `invalid_grant` or `PERMISSION_DENIED`.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.inner().code = Some(code.into());
        self
    }

    /// Adds how many attempts were made.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.inner().attempts = Some(attempts);
        self
    }

    /// Adds the cause. It must hold no secret: its text will be printed by whoever walks the chain.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.inner().source = Some(Arc::new(source));
        self
    }

    pub(crate) fn with_description(mut self, description: String) -> Self {
        self.inner().description = Some(description);
        self
    }

    pub(crate) fn with_clock_offset(mut self, seconds: i64) -> Self {
        self.inner().clock_offset = Some(seconds);
        self
    }

    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.inner().kind = kind;
        self
    }

    pub(crate) fn with_message(mut self, message: String) -> Self {
        self.inner().message = message;
        self
    }

    pub(crate) fn with_path(mut self, path: &Path) -> Self {
        self.inner().path = Some(path.to_owned());
        self
    }

    #[cfg(feature = "analytics")]
    pub(crate) fn with_cell(mut self, row: Option<usize>, column: Option<&str>) -> Self {
        let inner = self.inner();
        inner.row = row;
        inner.column = column.map(str::to_owned);
        self
    }

    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }

    /// What went wrong, by what a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Which step failed and how, without the hint: one line, lower case, no full stop.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do about it, if the crate knows.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Whether the same call may succeed later although nobody changed anything: the network, a
    /// server that is busy or down. `false` means that a person has to do something first.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retryable.unwrap_or(self.0.kind.is_transient())
    }

    /// When the next try makes sense (UTC), if the server or the back-off says so.
    #[must_use]
    pub fn retry_at(&self) -> Option<SystemTime> {
        self.0.retry_at
    }

    /// The HTTP status that the server answered with, if it answered.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The server's own word for the error: an OAuth error code such as `invalid_grant`
    /// (RFC 6749 §5.2) from the token endpoint, a canonical code such as `PERMISSION_DENIED`
    /// (`google.rpc.Code`) from an API.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The server's own explanation of the [code](Self::code), one line of at most 300 characters, without anything that
    /// could be a secret. [`message`](Self::message) holds it too.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// How many attempts were made over the network, where that was counted.
    #[must_use]
    pub fn attempts(&self) -> Option<u32> {
        self.0.attempts
    }

    /// By how many seconds the server's clock is ahead of this machine's (negative: behind), by the `Date` of its
    /// answer, where it refused something for its dates. With more than a minute the kind is [`ErrorKind::Clock`].
    #[must_use]
    pub fn clock_offset(&self) -> Option<i64> {
        self.0.clock_offset
    }

    /// The file that the error is about.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The row of the report that the error is about, counted from 0.
    #[must_use]
    pub fn row(&self) -> Option<usize> {
        self.0.row
    }

    /// The column of the report that the error is about.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match &self.0.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    /// The kind, the text and the facts that are set, in one struct.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        let mut debug = f.debug_struct("Error");
        debug.field("kind", &inner.kind).field("message", &inner.message);
        let mut field = |name, value: Option<&dyn fmt::Debug>| {
            if let Some(value) = value {
                debug.field(name, value);
            }
        };
        field("hint", inner.hint.as_ref().map(|v| v as _));
        field("status", inner.status.as_ref().map(|v| v as _));
        field("code", inner.code.as_ref().map(|v| v as _));
        field("description", inner.description.as_ref().map(|v| v as _));
        field("attempts", inner.attempts.as_ref().map(|v| v as _));
        field("clock_offset", inner.clock_offset.as_ref().map(|v| v as _));
        field("retry_at", inner.retry_at.as_ref().map(|v| v as _));
        field("path", inner.path.as_ref().map(|v| v as _));
        field("row", inner.row.as_ref().map(|v| v as _));
        field("column", inner.column.as_ref().map(|v| v as _));
        field("source", inner.source.as_ref().map(|v| v as _));
        debug.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|e| e as _)
    }
}

/// The longest server text that goes into an error: 300 characters, enough for every message that Google documents.
const MAX_SERVER_TEXT: usize = 300;

/// The longest word of a server text that is kept: 60 bytes. A token or an assertion echoed back is longer; field names,
/// e-mail addresses and codes are shorter.
const MAX_SERVER_WORD: usize = 60;

/// How many characters of a secret in a row make a word of a server text unfit.
const SECRET_PIECE: usize = 8;

/// How many numbers in a row are taken for a list of bytes.
const NUMBERS_IN_A_ROW: usize = 6;

/// Makes text from a server fit for an error: one line, no control characters, no word long enough to be a token (links to
/// Google's own pages excepted), no list of numbers, cut at [`MAX_SERVER_TEXT`].
#[cfg(feature = "analytics")]
pub(crate) fn scrub(text: &str) -> String {
    scrub_secret(text, "")
}

/// The same, and no word with a piece of `secret` in it: what was sent may come back in pieces.
pub(crate) fn scrub_secret(text: &str, secret: &str) -> String {
    // More than this is cut off anyway; a megabyte need not be looked through.
    let text: String = text.chars().take(20 * MAX_SERVER_TEXT).collect();
    let words: Vec<&str> =
        text.split(|c| char::is_whitespace(c) || is_unseen(c)).filter(|word| !word.is_empty()).collect();
    let mut kept: Vec<&str> = Vec::with_capacity(words.len());
    for run in words.chunk_by(|a, b| is_number(a) == is_number(b)) {
        let list = run.len() >= NUMBERS_IN_A_ROW && is_number(run[0]);
        for &word in run {
            let replacement = if list {
                "[numbers removed]"
            } else if has_piece(word, secret) || (word.len() > MAX_SERVER_WORD && !is_google_link(word)) {
                "[long word removed]"
            } else {
                word
            };
            // One note for many removed words.
            if replacement == word || kept.last() != Some(&replacement) {
                kept.push(replacement);
            }
        }
    }
    let line = kept.join(" ");
    match line.char_indices().nth(MAX_SERVER_TEXT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Control characters, and those of Unicode that are not seen but turn the text around them.
fn is_unseen(c: char) -> bool {
    let invisible =
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    c.is_control() || invisible
}

/// A number as lists of bytes have them: decimal or hexadecimal, with brackets and commas around it.
fn is_number(word: &str) -> bool {
    let digits = word.trim_matches(|c: char| c.is_ascii_punctuation()).trim_start_matches("0x");
    matches!(digits.len(), 1..=3)
        && digits.bytes().all(|b| b.is_ascii_hexdigit())
        && digits.bytes().any(|b| b.is_ascii_digit())
        || matches!(digits.len(), 2) && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

fn has_piece(word: &str, secret: &str) -> bool {
    !secret.is_empty()
        && word
            .as_bytes()
            .windows(SECRET_PIECE)
            .any(|piece| std::str::from_utf8(piece).is_ok_and(|p| secret.contains(p)))
}

/// Whether `word` is an https link to a host under google.com, with no userinfo, no fragment and
/// nothing in the query that looks like more than a project id.
fn is_google_link(word: &str) -> bool {
    let Some(rest) = word.strip_prefix("https://") else { return false };
    let (host, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let is_name = host.len() <= MAX_SERVER_WORD
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    let long_part = tail.split(['/', '?', '&', '=']).any(|part| part.len() > MAX_SERVER_WORD);
    is_name && (host == "google.com" || host.ends_with(".google.com")) && !tail.contains('#') && !long_part
}
