//! The key file that everyone gets: the crate's throw-away key, which is public and opens nothing.

use crate::Result;
use serde_json::Value;

const THROW_AWAY_KEY_JSON: &str = include_str!("../../../src/testing/throw_away_key.json");

/// The text of a key file for tokens from `token_uri`.
pub fn throw_away(token_uri: &str) -> Result<String> {
    let mut file: Value = serde_json::from_str(THROW_AWAY_KEY_JSON)?;
    file["token_uri"] = token_uri.into();
    Ok(file.to_string())
}
