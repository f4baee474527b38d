//! What several test files need: a raw server, an HTTP endpoint on it, openssl, a search for leaked secrets.
#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test file uses a part")]

pub mod canary;
pub mod endpoint;
pub mod openssl;
pub mod server;
