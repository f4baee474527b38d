//! The JSON document of the token endpoint, and what is known about the request when it is read.

use crate::json::Scalar;
use crate::token::TokenKind;
use serde::Deserialize;
use std::time::SystemTime;

/// What is known about a request when its response is read.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) kind: TokenKind,
    /// The wall clock before the request was sent; a lifetime counts from here.
    pub(super) requested: SystemTime,
    /// The wall clock when the response was complete; a `Retry-After` counts from here.
    pub(super) answered: SystemTime,
    /// What was sent and may come back: no piece of it gets into an error.
    pub(super) secret: &'a str,
    /// The account that signed.
    pub(super) account: Option<&'a str>,
}

/// The fields of RFC 6749 §5.1 and §5.2, each of any type; serde's derive refuses repeated ones.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Document {
    pub(super) access_token: Scalar,
    pub(super) id_token: Scalar,
    pub(super) token_type: Scalar,
    pub(super) expires_in: Scalar,
    pub(super) error: Scalar,
    pub(super) error_description: Scalar,
    pub(super) error_uri: Scalar,
}

impl Document {
    /// A byte-order mark in front is skipped.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)).ok()
    }

    /// Whether a token is in it: then no text of it is shown, for it may repeat the token.
    pub(super) fn has_token(&self) -> bool {
        !self.access_token.is_null() || !self.id_token.is_null()
    }
}
