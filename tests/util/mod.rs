//! What several test files need: a raw HTTP endpoint, openssl, a search for leaked secrets.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

pub mod canary;
pub mod endpoint;
pub mod openssl;
