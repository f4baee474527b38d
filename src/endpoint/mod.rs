//! Remote calls of Google's authorization servers: one each, with no memory.

pub mod token;
