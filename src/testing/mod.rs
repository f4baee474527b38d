//! Fakes for tests: yours and this crate's own.
//!
//! Feature `testing`; switch it on for tests only, under `[dev-dependencies]`. Nothing here changes how the
//! rest of the crate behaves.
//!
//! | What is tested | Give it | What it proves |
//! |---|---|---|
//! | code that takes a `Report` (feature `analytics`) | `FakeTable::report` | what your code makes of rows |
//! | code that takes a [`TokenSource`](crate::TokenSource) | [`ScriptedSource`]: tokens and errors in the order you say | how it goes on after an error, how often it asks |
//! | code that depends on the time | [`ManualClock`]: stands still until you move it | what happens at an expiry, without a wait |
//! | a program that gets tokens and reports | [`FakeGoogle`]: both over real HTTP, with rows of yours | that requests are what Google takes, signatures and filters included |
//! | code that uses [`Authorized`](crate::Authorized) | a [`FakeGoogle`] with a [`Fault::answer`] or [`Fault::computed`] for its paths | requests, tokens, what it makes of each status |
//! | a program on a bad day | [`FakeGoogle`] with a [`Fault`] | retries, time limits, exit status |
//! | a program in another language, or a binary | the example `fake_google` | the same from outside |
//! | code that reads a key file | [`THROW_AWAY_KEY_JSON`], whose public half [`FakeGoogle`] knows | nothing about your own key |
//!
//! # Testing code that uses Google Analytics
//!
//! Three tests of one small program, from a function to the whole. Keep the two seams that they need: a
//! function gets the report, or the `Property`, instead of making it.
//!
//! **Unit**: the rows are in the test, and there is no server, no thread and no clock.
//!
//! ```
//! # #[cfg(feature = "analytics")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use shortway::analytics::Report;
//! use shortway::testing::FakeTable;
//!
//! /// The page that most people look at.
//! fn best_page(report: &Report) -> Result<Option<String>, shortway::Error> {
//!     let rows: Vec<(String, u64)> = report.rows().collect::<Result<_, _>>()?;
//!     Ok(rows.into_iter().max_by_key(|(_, views)| *views).map(|(page, _)| page))
//! }
//!
//! let report = FakeTable::new(["pagePath"], ["views"]).row(["/"], [3]).row(["/blog"], [7]).report()?;
//! assert_eq!(best_page(&report)?.as_deref(), Some("/blog"));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "analytics"))]
//! # fn main() {}
//! ```
//!
//! **Integration**: the request is evaluated. A misspelt metric, a wrong filter or a missing scope fails the
//! test, and the test sees what was sent.
//!
//! ```
//! # #[cfg(feature = "analytics")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use shortway::analytics::{Analytics, DateRange, FilterExpression, Property, ReportRequest};
//! use shortway::testing::{FakeGoogle, FakeTable, Fault, Matching};
//! use std::time::Duration;
//!
//! fn views_of_blog(property: &Property) -> Result<u64, shortway::Error> {
//!     let request = ReportRequest::new()
//!         .dates(DateRange::yesterday())
//!         .metrics(["screenPageViews"])
//!         .dimension_filter(FilterExpression::begins_with("pagePath", "/blog"));
//!     property.run_report(&request)?.total("screenPageViews")
//! }
//!
//! let table = FakeTable::new(["pagePath"], ["screenPageViews"]).row(["/"], [3]).row(["/blog/hello"], [7]);
//! let google = FakeGoogle::builder().property(1234, table).start()?;
//! let tokens = shortway::service_account(google.key(), [shortway::scope::ANALYTICS_READONLY])
//!     .token_endpoint(google.token_url())
//!     .build()?;
//! let quick = shortway::RetryPolicy::default().with_initial_delay(Duration::ZERO);
//! let property = Analytics::new(tokens).with_retry(quick).with_endpoint(&google.api_url())?.property(1234);
//! assert_eq!(views_of_blog(&property)?, 7);
//!
//! // A bad day: the token is refused, then the server is down for a moment.
//! google.revoke_tokens();
//! google.fault(Fault::status(503).on(Matching::target(":runReport")));
//! assert_eq!(views_of_blog(&property)?, 7);
//! google.assert_requests(&Matching::token(), 2);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "analytics"))]
//! # fn main() {}
//! ```
//!
//! **End to end**: the program itself runs, in any language, with a key file, a root certificate and URLs
//! that the example `fake_google` prints. Write it so that it takes its URLs from options or the environment.
//!
//! ```text
//! $ cargo run --example fake_google -- --https --rows tests/january.csv --fault 'status:503:1@:runReport' &
//! TOKEN_URL=https://127.0.0.1:40123/token
//! API_URL=https://127.0.0.1:40123
//! PROPERTY=1234
//! KEY_FILE=/tmp/fake-google-40123-key.json
//! CA_FILE=/tmp/fake-google-40123-ca.pem
//! READY=1
//! $ nightly --key /tmp/fake-google-40123-key.json --property 1234 --api-url https://127.0.0.1:40123 …
//! $ kill %1
//! ```
//!
//! With `--rows` it answers from a CSV file or from the JSON of a report that Google has sent; `--help` lists
//! the faults. From Rust, start [`FakeGoogle`] in the test and give its URLs to the program.
//!
//! # Testing code that uses `Authorized`
//!
//! [`FakeGoogle`] knows the paths of the Analytics Data API, and answers others by 404. Say what it answers
//! at yours, and name them by [`Matching::target`]: [`Matching::api`] means the Data API alone.
//!
//! ```
//! use shortway::Authorized;
//! use shortway::http::{Request, UreqTransport};
//! use shortway::testing::serde_json::{Value, json};
//! use shortway::testing::{FakeGoogle, Fault, Matching, ScriptedSource};
//!
//! let google = FakeGoogle::builder().start()?;
//! let buckets = Matching::target("/storage/v1/b");
//! google.fault(Fault::answer(200, json!({"items": []})).on(buckets.clone()).always());
//!
//! let tokens = ScriptedSource::new().then_token("ya29.x");
//! let api = Authorized::new(tokens, UreqTransport::new()).with_host(&google.api_url())?;
//! let url = format!("{}/storage/v1/b?project=p", google.api_url());
//! let answer: Value = api.json(Request::get(url).body(())?)?;
//! assert_eq!(answer["items"], json!([]));
//! google.assert_requests(&buckets.header("Authorization", "Bearer ya29.x"), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How far the fakes go
//!
//! They hold what Google documents, and refuse what they cannot evaluate: status 501, and the message says
//! what it was. Requests are read by types of their own, so that a mistake of this crate's client is not
//! made twice. Clients that nobody here wrote run against them in CI: google-auth and google-analytics-data
//! for Python, `@google-analytics/data` for Node, the crates `gcp_auth` and `yup-oauth2`.
//!
//! Some things Google does not document, but recorded answers or public clients show them. They may change:
//!
//! - rows: without an order, the first metric orders them, largest first, and ties come in any order;
//!   `rowCount` counts a row of several ranges once; numbers have 15 or 17 digits;
//! - aggregates: the words `RESERVED_TOTAL`, `RESERVED_MAX` and `RESERVED_MIN`; an empty object over no rows;
//!   the aggregates of pivots;
//! - filters: regular expressions have RE2's syntax; a filter of text without a type is an exact match;
//!   numbers are compared in a filter of a dimension;
//! - tokens: the answers of tokeninfo and revocation; an ID token for a scope that does not exist; padding in
//!   a JWT is taken;
//! - the texts of most quota errors.

#[cfg(feature = "analytics")]
mod canned;
mod clock;
mod google;
mod key;
mod server;
mod source;

pub use clock::ManualClock;
pub use google::{FakeGoogle, FakeGoogleBuilder, FakeQuota, FakeTable, Fault, Matching, TokenRefusal};
pub use key::{THROW_AWAY_KEY_JSON, throw_away_key};
pub use server::FakeRequest;
pub use source::ScriptedSource;

/// JSON values, as [`FakeGoogle`] takes and gives them.
pub use serde_json;
