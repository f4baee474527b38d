//! A key pair for tests, published with the crate: anybody can sign with it, so it protects nothing.

use crate::key::ServiceAccountKey;

/// A key file in the shape that Google hands out, with a THROW-AWAY key: it was made for these tests, is
/// public, and opens nothing.
pub const THROW_AWAY_KEY_JSON: &str = include_str!("throw_away_key.json");

/// The public half of the throw-away key: DER, `RSAPublicKey` (RFC 8017 A.1.1).
pub(super) const THROW_AWAY_PUBLIC_KEY: &[u8] = include_bytes!("throw_away_public.der");

/// The throw-away key, loaded: `fake@throw-away.iam.gserviceaccount.com`.
///
/// # Panics
/// Never: the key is part of the crate, and a test loads it.
#[must_use]
pub fn throw_away_key() -> ServiceAccountKey {
    ServiceAccountKey::from_json(THROW_AWAY_KEY_JSON).expect("the shipped key is good")
}
