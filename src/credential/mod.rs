//! Kinds of credentials, one a module: each is a source that requests a new token on every call.

mod service_account;

pub use service_account::ServiceAccount;
pub(crate) use service_account::{Request as ServiceAccountRequest, Wanted};
