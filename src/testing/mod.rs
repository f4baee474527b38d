//! Fakes for tests: yours and this crate's own.
//!
//! Feature `testing`; switch it on for tests only, under `[dev-dependencies]`. Nothing here changes how the
//! rest of the crate behaves.
//!
//! | Your code | Give it |
//! |---|---|
//! | takes a [`TokenSource`](crate::TokenSource) | [`ScriptedSource`]: tokens and errors in the order you say, calls counted |
//! | gets tokens and reports over HTTP | [`FakeGoogle`]: a token endpoint and an Analytics API on loopback, over real HTTP, with rows of yours |
//! | depends on the time | [`ManualClock`]: stands still until you move it |
//! | needs a key file | [`throw_away_key`], whose public half [`FakeGoogle`] knows |

mod clock;
mod google;
mod key;
mod source;

pub use clock::ManualClock;
pub use google::{FakeGoogle, FakeGoogleBuilder, FakeTable};
pub use key::{THROW_AWAY_KEY_JSON, throw_away_key};
pub use source::ScriptedSource;

/// JSON values, as [`FakeGoogle`] takes and gives them.
pub use serde_json;
