//! Google access tokens and Analytics reports for programs that run with nobody watching.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

mod authorize;
mod cached;
mod clock;
mod error;
mod retry;
mod secret;
mod service_account;
mod short_path;
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
pub use cached::{CachePolicy, Cached};
pub use clock::{Clock, SystemClock};
pub use error::{Error, ErrorKind};
pub use key::{ServiceAccountKey, Signer};
pub use retry::RetryPolicy;
pub use secret::Secret;
pub use service_account::ServiceAccount;
pub use short_path::{ServiceAccountBuilder, service_account};
pub use token::{Token, TokenKind};
pub use token_source::{Ask, FromFn, Identity, TokenSource, from_fn};
