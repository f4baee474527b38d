//! Kinds of credentials, one a module: each is a source that requests a new token on every call.

mod service_account;

pub(crate) use service_account::Request as ServiceAccountRequest;
pub use service_account::ServiceAccount;
