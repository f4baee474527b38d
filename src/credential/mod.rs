//! Kinds of credentials, one a module: each is a source that requests or signs a new token on every call.

mod self_signed;
mod service_account;

pub(crate) use self_signed::Allowed;
pub use self_signed::SelfSigned;
pub use service_account::ServiceAccount;
pub(crate) use service_account::{Request as ServiceAccountRequest, Wanted};
