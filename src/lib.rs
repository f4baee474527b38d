//! Google access tokens and Google Analytics reports for unattended programs: blocking, small, no async
//! runtime.
//!
//! A service account signs an assertion, exchanges it for an access token and caches the token until shortly
//! before it expires. A typed client queries Google Analytics (GA4 Data API) with it. What
//! [`service_account`] builds is the safe default: it caches, has time limits, retries transient failures,
//! and serves any number of threads.
//!
//! - [First token](#first-token) · [Nightly jobs](#nightly-jobs) · [First report](#first-report)
//! - [Other Google APIs](#other-google-apis) · [Coming from oauth2client](#coming-from-oauth2client)
//! - [Errors](#errors) · [Time limits and retries](#time-limits-and-retries)
//! - [TLS and root certificates](#tls-and-root-certificates) · [Proxies](#proxies)
//! - [Threads, async, fork](#threads-async-fork) · [Logs and secrets](#logs-and-secrets)
//! - [Testing your program](#testing-your-program) · [Features](#features) · [Versions](#versions)
//!
//! # First token
//!
//! ```no_run
//! use shortway::{ServiceAccountKey, TokenSource, scope};
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     match run() {
//!         Ok(()) => ExitCode::SUCCESS,
//!         Err(error) => {
//!             eprintln!("error: {error}"); // one line: what failed, and what to do about it
//!             ExitCode::FAILURE
//!         }
//!     }
//! }
//!
//! fn run() -> Result<(), shortway::Error> {
//!     let key = ServiceAccountKey::from_file("key.json")?;
//!     let tokens = shortway::service_account(key, [scope::ANALYTICS_READONLY]).build()?;
//!     let token = tokens.token()?; // from the network the first time, from the cache after that
//!     let header = ("Authorization", token.authorization_secret()); // "Bearer ya29.…"
//!     # let _ = header;
//!     Ok(())
//! }
//! ```
//!
//! The key comes from [a file](ServiceAccountKey::from_file), from [the file that
//! `GOOGLE_APPLICATION_CREDENTIALS` names](ServiceAccountKey::from_env), or from
//! [text](ServiceAccountKey::from_json), for example of an environment variable that holds the JSON itself. A
//! private key that lives in a KMS or an HSM signs through a [`Signer`] of your own:
//! `examples/signer_openssl.rs` and `examples/signer_sign_blob.rs` in the repository are two.
//!
//! A key file that is replaced while the program runs is noticed with [`KeyFile`] in place of the key.
//!
//! The same key gives more: [`id_token`] for services that check who calls, and [`self_signed`] for Google's
//! own APIs without a request to the token endpoint.
//!
//! [`Tokens`] is the type of what `build()` returns, whatever the credential is. Its clones share one token:
//! give one to each part of the program. [`Cached::new`] puts the same cache around a [`TokenSource`] of your
//! own.
//!
//! # Nightly jobs
//!
//! A token lives for an hour, a process for some seconds. With a store the next run, and every other process
//! of the same user, takes the token of the last one:
//!
//! ```no_run
//! use shortway::{FileStore, ServiceAccountKey, TokenSource, scope};
//!
//! let key = ServiceAccountKey::from_file("key.json")?;
//! let tokens = shortway::service_account(key, [scope::ANALYTICS_READONLY])
//!     .store(FileStore::at("/var/lib/nightly/token.json")?) // made for this user alone
//!     .build()?;
//! let token = tokens.token()?; // from the file, if a token there is still good
//! # Ok::<(), shortway::Error>(())
//! ```
//!
//! Processes that start together make one exchange: one of them, the others wait for it for at most 2 s. A
//! store that is damaged, full or not to be trusted fails no call; `tokens.source().status()` tells what
//! happened ([`StoreStatus`]). For machines that share a token, implement [`TokenStore`] for what they share:
//! `examples/fleet` does it for Redis.
//!
//! # First report
//!
//! Feature `analytics`, on by default; see the module `analytics` for all of it. Rows as structs of your own
//! need `cargo add serde --features derive`.
//!
//! ```no_run
//! # #[cfg(feature = "analytics")]
//! # fn run(tokens: shortway::Tokens) -> Result<(), shortway::Error> {
//! use shortway::analytics::{Analytics, DateRange, OrderBy, ReportRequest};
//!
//! #[derive(serde::Deserialize)]
//! struct Page {
//!     #[serde(rename = "pagePath")]
//!     path: String,
//!     #[serde(rename = "screenPageViews")]
//!     views: u64,
//! }
//!
//! let report = Analytics::new(tokens).property(123456789).run_report(
//!     &ReportRequest::new()
//!         .dates(DateRange::last_days(30)) // 30 whole days, the last of them yesterday
//!         .dimensions(["pagePath"])
//!         .metrics(["screenPageViews"])
//!         .order_by(OrderBy::metric("screenPageViews").desc()),
//! )?;
//! for page in report.rows::<Page>() {
//!     let page = page?;
//!     println!("{:>8}  {}", page.views, page.path);
//! }
//! println!("{:>8}  total", report.total::<u64>("screenPageViews")?);
//! # Ok(())
//! # }
//! ```
//!
//! A program that was written for Universal Analytics, with oauth2client and Core Reporting v3: the module
//! `analytics::v3` takes its query as it stands, and its guide goes through such a program line by line.
//!
//! # Other Google APIs
//!
//! [`Authorized`] is an HTTP client whose requests have a token: requests and responses of the `http` crate,
//! bodies that stream both ways, JSON in and out. It replaces a token that the server refuses, and sends none
//! to a host that it is not for. The values of this program need `cargo add serde_json`.
//!
//! ```no_run
//! # fn run(tokens: shortway::Tokens) -> Result<(), Box<dyn std::error::Error>> {
//! use shortway::Authorized;
//! use shortway::http::{Request, RequestBody, UreqTransport};
//! use std::fs::File;
//!
//! let api = Authorized::new(tokens, UreqTransport::new()); // for googleapis.com and all hosts below it
//! let bucket = "https://storage.googleapis.com/storage/v1/b/my-bucket";
//! let objects: serde_json::Value = api.json(Request::get(format!("{bucket}/o")).body(())?)?;
//! println!("{}", objects["items"]);
//!
//! let url = format!("{bucket}/o/rows.csv?alt=media");
//! let rows = api.stream(Request::get(url).body(())?)?; // a reader, whatever its size and status
//! if !rows.status().is_success() {
//!     return Err(format!("rows.csv: HTTP status {}", rows.status()).into());
//! }
//! std::io::copy(&mut rows.into_body(), &mut File::create("rows.csv")?)?;
//!
//! let service = "https://my-service-x.run.app"; // with an ID token, say
//! let file = RequestBody::reader(File::open("rows.csv")?, None);
//! let response = api.with_host(service)?.send(Request::put(service).body(file)?)?;
//! println!("{}", response.status());
//! # Ok(())
//! # }
//! ```
//!
//! For an HTTP client of your own, take [`Token::authorization_secret`] before each request (the
//! cache makes that cheap), and after a 401 call [`TokenSource::invalidate`] and send the request once more.
//!
//! # Coming from oauth2client
//!
//! | `oauth2client` | Here |
//! |---|---|
//! | `ServiceAccountCredentials.from_json_keyfile_name(file, scopes)` | `service_account(ServiceAccountKey::from_file("key.json")?, [scope::ANALYTICS_READONLY])` |
//! | `credentials.create_delegated('jane@example.com')` | `.subject("jane@example.com")` |
//! | `Storage('analytics.dat')`, `storage.get()`, `storage.put(credentials)` | `.store(FileStore::at("tokens.json")?)` |
//! | `credentials.authorize(httplib2.Http())` | `Authorized::new(tokens.clone(), UreqTransport::new())` |
//! | `http.request(uri)` | `http.send(Request::get(uri).body(())?)?` |
//! | `credentials.refresh(http)` | `tokens.refresh_if_due()`, or nothing: every call refreshes when that is due |
//! | `credentials.get_access_token()` | `tokens.token()?` |
//! | `credentials.access_token_expired` | `token.is_expired(SystemTime::now())` |
//! | `credentials.invalid`, `AccessTokenRefreshError` | `error.kind() == ErrorKind::Denied` |
//! | a 401 from an API, in a client of your own | `tokens.invalidate(&token)`; [`Authorized`] does it |
//!
//! All of it in its place:
//!
//! ```no_run
//! use shortway::http::{Request, UreqTransport};
//! use shortway::{
//!     Authorized, Error, ErrorKind, FileStore, ServiceAccountKey, TokenSource, scope, service_account,
//! };
//! use std::time::SystemTime;
//!
//! # fn run(uri: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let tokens = service_account(ServiceAccountKey::from_file("key.json")?, [scope::ANALYTICS_READONLY])
//!     .subject("jane@example.com")
//!     .store(FileStore::at("tokens.json")?)
//!     .build()?;
//! let http = Authorized::new(tokens.clone(), UreqTransport::new());
//! let response = http.send(Request::get(uri).body(())?)?;
//!
//! tokens.refresh_if_due(); // for a thread that keeps the token fresh for others
//! let token = tokens.token()?;
//! let expired = token.is_expired(SystemTime::now()); // never, right after token()
//! let refused = |error: &Error| error.kind() == ErrorKind::Denied; // by the token endpoint, for good
//! tokens.invalidate(&token);
//! # let _ = (response, expired, refused);
//! # Ok(())
//! # }
//! ```
//!
//! A file of `oauth2client` is neither read nor replaced, for it holds the private key: remove it, or name another
//! file. There is no `revoke`, for a service account has nothing to revoke but its key.
//!
//! # Errors
//!
//! There is one type, [`Error`]. Its text is one line with a hint: print it with `{}`. Programs act on
//! [`Error::kind`], [`is_retryable`](Error::is_retryable) and [`retry_at`](Error::retry_at); [`Error::code`]
//! is the server's own code, and [`Error::cause`] gives the server's whole document, [`OAuthError`] or
//! [`GoogleStatus`].
//!
//! | Kind | What to do |
//! |---|---|
//! | [`Config`](ErrorKind::Config), [`Key`](ErrorKind::Key) | change the configuration, as the hint says |
//! | [`Denied`](ErrorKind::Denied), [`Api`](ErrorKind::Api) | change something at Google, as the hint says |
//! | [`Clock`](ErrorKind::Clock) | set the clock |
//! | [`Dns`](ErrorKind::Dns), [`Connect`](ErrorKind::Connect), [`Timeout`](ErrorKind::Timeout), [`Closed`](ErrorKind::Closed), [`Unavailable`](ErrorKind::Unavailable) | run the job again later; requests for tokens and reports were repeated already, those of [`Authorized`] were not |
//! | [`Throttled`](ErrorKind::Throttled), [`Quota`](ErrorKind::Quota), [`Backoff`](ErrorKind::Backoff) | wait until [`retry_at`](Error::retry_at), if it is set, or as the hint says |
//! | [`Tls`](ErrorKind::Tls), [`Protocol`](ErrorKind::Protocol), [`Redirect`](ErrorKind::Redirect), [`Malformed`](ErrorKind::Malformed), [`Schema`](ErrorKind::Schema) | look for a proxy or a login page between this machine and Google; correct the type that [`Authorized::json`] reads, if the text says so |
//! | [`Row`](ErrorKind::Row) | correct the type that a row is read as |
//! | [`TooLarge`](ErrorKind::TooLarge) | raise the limit, or request less |
//! | [`Aborted`](ErrorKind::Aborted) | look for a panic in the output of the program |
//! | [`Store`](ErrorKind::Store) | put right what the text says of the token store; no call fails for it |
//! | [`Other`](ErrorKind::Other) | see the text: a fault of a token source of your own, or of the program |
//! | [`Inexact`](ErrorKind::Inexact) | request less at once, or do without `Report::require_exact` |
//! | [`Incomplete`](ErrorKind::Incomplete) | resume the download, or run the job again later |
//! | [`Drift`](ErrorKind::Drift) | download the whole report again |
//!
//! After the first page of a download (`Property::pages`) every error, of any kind, has the point where to go
//! on: `error.cause::<Interrupted>()`, with the `ResumePoint` in it.
//!
//! # Time limits and retries
//!
//! Every call ends. A request to the token endpoint may take 10 s, a token with all attempts 30 s
//! ([`CachePolicy::with_wait`], or [`Ask::with_deadline`] for one call), a report 120 s with its token and
//! all attempts, a request of [`Authorized`] 30 s with its token (it is never repeated but for a refused
//! token). [`RetryPolicy`] says how often a failed request is repeated: a token is requested three
//! times at most, a report twice, for Google grants a project ten server errors an hour on a property. As
//! long as there is no connection at all (the host name cannot be resolved, the connection is refused),
//! requests for a token go on until the deadline: a job may start before its network. A refusal is never
//! repeated, nor a request whose quota is exhausted, unless the quota is refilled within seconds. After five
//! server errors in an hour a process sends the property nothing more until the hour has passed.
//!
//! # TLS and root certificates
//!
//! TLS is rustls with root certificates built into the crate. For those of the operating system, use the
//! feature `platform-verifier`; for a network whose proxy inspects TLS, use
//! [`UreqTransport::with_root_certificates`](http::UreqTransport::with_root_certificates); for an agent of
//! your own, [`UreqTransport::with_agent`](http::UreqTransport::with_agent). Give such a transport to both
//! sides: [`TokensBuilder::transport`] and `Analytics::with_transport`.
//!
//! # Proxies
//!
//! Requests over https go through the proxy that `HTTPS_PROXY`, else `ALL_PROXY`, names (or the same in lower
//! case), unless `NO_PROXY` covers the host. A proxy that cannot be used is an error, never a direct
//! connection. Plain http goes only to loopback addresses, and never through a proxy. Details:
//! [`UreqTransport`](http::UreqTransport).
//!
//! # Threads, async, fork
//!
//! Every call blocks until it has a result or its time limit passes. All types are `Send + Sync`, and clones
//! share what they hold. The crate starts no thread of its own but one for a name look-up. From async code
//! call it through the runtime's `spawn_blocking`, after [`usable_token`](Cached::usable_token), which never
//! waits; `examples/async_tokio` shows both. After `fork` a child may go on using everything: it shares no
//! connection with its parent and does not wait for a refresh that only the parent can finish. As in every
//! program with threads, a lock that another thread held at the moment of the fork stays locked in the child:
//! fork before threads use the crate, or `exec` right after.
//!
//! # Logs and secrets
//!
//! Logs go through the `log` crate: debug lines, and warnings about the clock, the environment and the token
//! store. No key, assertion or token of the call is in a log line of this crate, in an error or in `Debug`. `ureq`, the HTTP
//! client, does log whole messages, tokens included, at level trace under the target `ureq_proto`: do not
//! enable that where logs are kept.
//!
//! # Testing your program
//!
//! With the feature `testing`, the module `testing` has a scripted token source, a fake Google with real HTTP
//! and real signatures that can also fail as servers do, reports without a server, a clock that a test moves,
//! and a throw-away key. Its front page says which fake suits which test. Programs in other languages get the
//! same fake from the example `fake_google`.
//!
//! # Features
//!
//! | Feature | Default | What |
//! |---|---|---|
//! | `analytics` | yes | the client of the Analytics Data API |
//! | `gzip` | yes | reports travel compressed, and are decoded under the same limit as plain ones |
//! | `p12` | no | [`ServiceAccountKey`] from PKCS#12 files (`.p12`), through `p12-keystore` and about 60 packages under it |
//! | `platform-verifier` | no | root certificates of the operating system instead of those built in, for every [`UreqTransport`](http::UreqTransport) that names none |
//! | `testing` | no | fakes for tests; it adds a module and changes nothing else |
//!
//! # Versions
//!
//! Versions follow semantic versioning. Kinds, fields and variants may be added: keep a `_` arm. The minimum
//! Rust version is 1.89; a higher one is a minor release of its own. Types of `ureq` and its `http` crate,
//! and of `time`, are part of the public API; both crates are re-exported here.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

mod authorize;
mod cached;
mod clock;
mod credential;
mod error;
mod json;
mod key;
mod random;
mod retry;
mod secret;
mod source;
mod stored;
mod sync;
mod token;
mod token_source;

#[cfg(feature = "analytics")]
#[cfg_attr(docsrs, doc(cfg(feature = "analytics")))]
pub mod analytics;
pub mod endpoint;
pub mod http;
pub mod jwt;
pub mod scope;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;

pub use authorize::Authorized;
pub use cached::{CachePolicy, Cached, Upkeep};
pub use clock::{Clock, SystemClock};
pub use credential::{SelfSigned, ServiceAccount};
pub use error::{Error, ErrorKind, GoogleStatus, OAuthError, StatusDetail, StatusLink, StatusViolation};
pub use key::{CREDENTIALS_VARIABLE, KeyFile, KeySource, ServiceAccountKey, Signer};
pub use retry::RetryPolicy;
pub use secret::Secret;
pub use source::{
    IdTokenOptions, SelfSignedOptions, ServiceAccountOptions, Tokens, TokensBuilder, id_token, self_signed,
    self_signed_for, service_account,
};
pub use stored::{FileStore, HeldLock, StoreLock, StoreStatus, Stored, TokenStore};
pub use token::{Token, TokenKind};
pub use token_source::{Ask, FromFn, Identity, TokenSource, from_fn};

pub use {time, ureq};

/// The README's programs are compiled and, where they need no key, run.
#[cfg(all(doctest, feature = "analytics", feature = "testing"))]
#[doc = include_str!("../README.md")]
struct Readme;
