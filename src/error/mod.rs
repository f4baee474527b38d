//! The one error of the crate: what failed, what to do, whether to try again.
//!
//! In: a kind, a sentence, facts. Out: an opaque value, cheap to clone, so that all callers that wait for
//! one refresh get the same one. No secret is ever put in; text from a server goes through [`scrub`] first.

mod google;
mod oauth;
mod scrub;

pub use google::{GoogleStatus, StatusDetail, StatusLink, StatusViolation};
pub use oauth::OAuthError;
#[cfg(any(feature = "analytics", feature = "testing"))]
pub(crate) use scrub::scrub;
pub(crate) use scrub::scrub_secret;

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
    /// key file's shape, a scope, an endpoint, a property id. It needs a configuration change.
    Config,
    /// The private key is damaged, of a kind that cannot sign RS256, or too short.
    Key,
    /// The clock of this machine is too far off: Google does not accept what is signed with it.
    Clock,
    /// The host name could not be resolved.
    Dns,
    /// No connection: refused, unreachable, no descriptor left.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// No response in time.
    Timeout,
    /// The connection was closed before the response was complete.
    Closed,
    /// The response was not valid HTTP.
    Protocol,
    /// The response, or a file, was larger than its limit.
    TooLarge,
    /// The server answered with a redirect; redirects are never followed.
    Redirect,
    /// The token endpoint refused the request, and will refuse it again: see [`Error::code`].
    Denied,
    /// The server asks to slow down: see [`Error::retry_at`].
    Throttled,
    /// The server is temporarily unavailable (5xx).
    Unavailable,
    /// The server reports success, but its response holds no usable token.
    Malformed,
    /// A refresh failed a moment ago and the next one is not due yet: see [`Error::retry_at`].
    Backoff,
    /// The refresh that this caller waited for ended without a result.
    Aborted,
    /// The API refused the request: see [`Error::status`] and [`Error::code`].
    Api,
    /// A quota of the API is exhausted.
    Quota,
    /// The API's response does not have the documented shape.
    Schema,
    /// A cell of a report does not fit the requested type: see [`Error::row`] and
    /// [`Error::column`].
    Row,
    /// A token store cannot be used. No call fails for that: see [`StoreStatus`](crate::StoreStatus).
    Store,
    /// A report is not exact although that was required: see `Report::quality` of the module `analytics`.
    Inexact,
    /// A page of a report came without some of its rows, also when it was requested again: see `Property::pages`
    /// of the module `analytics`.
    Incomplete,
    /// A report changed while its pages were downloaded, so that they do not fit together: see `Property::pages`
    /// of the module `analytics`.
    Drift,
    /// Anything else; for sources written outside this crate.
    Other,
}

impl ErrorKind {
    /// Whether the same call may succeed later without a change.
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
                | Self::Incomplete
                | Self::Drift
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
    /// and how. Keep secrets out of `message`.
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

    /// Adds when the next attempt makes sense (UTC).
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

    /// Adds the cause. It must hold no secret: programs print the whole chain.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.inner().source = Some(Arc::new(source));
        self
    }

    /// Takes over the cause of `other`, for an error that tells what `other` says in its own text.
    #[must_use]
    pub fn with_source_of(mut self, other: &Self) -> Self {
        self.inner().source.clone_from(&other.0.source);
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

    /// The same without `secret` in its message, which holds text from outside.
    #[cfg(feature = "analytics")]
    pub(crate) fn without(self, secret: &str) -> Self {
        let message = scrub_secret(self.message(), secret);
        self.with_message(message)
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

    /// Whether the same call may succeed later without a change: a fault of the network, a server that is
    /// busy or down. `false` means that something has to be changed first.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retryable.unwrap_or(self.0.kind.is_transient())
    }

    /// When the next attempt makes sense (UTC), if the server or the back-off says so.
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

    /// The server's own explanation of the [code](Self::code), one line of at most 300 characters, without
    /// secrets. [`message`](Self::message) holds it too.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// How many attempts were made, where that was counted. Requests for tokens do not count attempts without
    /// a connection (host name not resolved, connection refused): those go on until the deadline.
    #[must_use]
    pub fn attempts(&self) -> Option<u32> {
        self.0.attempts
    }

    /// By how many seconds the server's clock is ahead of this machine's (negative: behind), by the `Date` of
    /// its response, where it refused an assertion for its dates. Over a minute the kind is
    /// [`ErrorKind::Clock`].
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

impl Error {
    /// The first cause of type `T` in the [`source`](StdError::source) chain: [`GoogleStatus`] for what an
    /// API answered, [`OAuthError`] for what the token endpoint answered.
    ///
    /// ```
    /// # fn show(error: &shortway::Error) {
    /// if let Some(status) = error.cause::<shortway::GoogleStatus>() {
    ///     for violation in status.details.iter().flat_map(|detail| &detail.field_violations) {
    ///         println!("{}: {}", violation.field, violation.description);
    ///     }
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn cause<T: StdError + 'static>(&self) -> Option<&T> {
        let mut next = self.source();
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            next = error.source();
        }
        None
    }
}

impl fmt::Display for ErrorKind {
    /// The name of the kind, in words: `too large`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, c) in format!("{self:?}").chars().enumerate() {
            if index > 0 && c.is_ascii_uppercase() {
                f.write_str(" ")?;
            }
            write!(f, "{}", c.to_ascii_lowercase())?;
        }
        Ok(())
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
