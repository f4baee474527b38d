//! Key files and private keys that are damaged, hostile, or something else.
//!
//! Two faults are tested elsewhere: a key that Google has disabled or deleted loads as a good one, and
//! `tests/exchange.rs` has what the token endpoint answers to it; a file that its user may not read needs
//! root and is in `tests/key_faults_privileged.rs`.

#[path = "../util/mod.rs"]
mod util;

#[path = "../util/outlets.rs"]
#[allow(unreachable_pub, reason = "shared by test programs")]
mod outlets;

#[path = "../util/random.rs"]
#[allow(unreachable_pub, reason = "shared by test programs")]
mod random;

mod damage;
mod der;
mod endpoints;
#[cfg(unix)]
mod files;
mod fixture;
mod json;
mod leaks;
#[cfg(unix)]
mod paths;
mod pem;
