//! Google access tokens and Analytics reports for programs that run with nobody watching: blocking, small, no runtime.
//!
//! A service account signs an assertion, trades it for a token, keeps the token until it ages; a typed client asks
//! Google Analytics with it. The short path is the safe path: what [`service_account`] builds is cached, has time limits,
//! retries what deserves it, and can be shared by threads.
//!
//! ```no_run
//! use shortway::{ServiceAccountKey, TokenSource, scope};
//!
//! let key = ServiceAccountKey::from_file("key.json")?;
//! let tokens = shortway::service_account(key, [scope::ANALYTICS_READONLY]).build()?;
//! let token = tokens.token()?; // from the network the first time, from memory after that
//! # Ok::<(), shortway::Error>(())
//! ```
//!
//! # Where things are
//!
//! | You want | Look at |
//! |---|---|
//! | tokens from a key file | [`ServiceAccountKey`], [`service_account`] |
//! | to take tokens from anywhere | the trait [`TokenSource`]; closures by [`from_fn`] |
//! | a memory around a source of your own | [`Cached`] |
//! | tokens on requests to any Google API | [`Authorized`] |
//! | reports from Google Analytics | `analytics` (feature `analytics`, on by default) |
//! | to know what to do about a failure | [`Error::kind`], [`Error::hint`], [`Error::is_retryable`] |
//! | to send requests some other way | [`http::Transport`], or the pure steps in [`jwt`] and [`endpoint::token`] |
//! | fakes for your tests | `testing` (feature `testing`) |
//!
//! # Features
//!
//! - `analytics` (default): the client of the Analytics Data API.
//! - `gzip` (default): reports travel compressed, decoded under the same cap as plain ones.
//! - `platform-verifier`: root certificates of the operating system instead of those built in.
//! - `testing`: fakes for tests. It adds a module and changes nothing else.
//!
//! # Waiting, threads, async
//!
//! Every call blocks until it has an answer or its time limit passes. The crate starts no thread (`ureq` resolves
//! names in one, for a moment). From async code call it through the runtime's `spawn_blocking`.
//!
//! # Logs
//!
//! Debug lines through `log`, and one warning where the clock is off, without a secret in them. `ureq` underneath dumps whole messages, tokens included, at level
//! trace under the target `ureq_proto`: leave that off where logs are kept.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

mod authorize;
mod cached;
mod clock;
mod credential;
mod error;
mod json;
mod random;
mod retry;
mod secret;
mod source;
mod sync;
mod token;
mod token_source;

#[cfg(feature = "analytics")]
#[cfg_attr(docsrs, doc(cfg(feature = "analytics")))]
pub mod analytics;
pub mod endpoint;
pub mod http;
pub mod jwt;
pub mod key;
pub mod scope;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;

pub use authorize::Authorized;
pub use cached::{CachePolicy, Cached, Upkeep};
pub use clock::{Clock, SystemClock};
pub use credential::ServiceAccount;
pub use error::{Error, ErrorKind, GoogleStatus, OAuthError, StatusDetail, StatusLink, StatusViolation};
pub use key::{ServiceAccountKey, Signer};
pub use retry::RetryPolicy;
pub use secret::Secret;
pub use source::{ServiceAccountOptions, Tokens, TokensBuilder, service_account};
pub use token::{Token, TokenKind};
pub use token_source::{Ask, FromFn, Identity, TokenSource, from_fn};

/// The README's programs are compiled and, where they need no key, run.
#[cfg(all(doctest, feature = "analytics", feature = "testing"))]
#[doc = include_str!("../README.md")]
struct Readme;
