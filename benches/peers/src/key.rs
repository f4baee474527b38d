//! A service account's key file that opens nothing: its RSA key is made at start and thrown away at the end.

use crate::Result;
use serde_json::json;
use std::io::ErrorKind;
use std::process::Command;

/// The text of a key file for tokens from `token_uri`.
pub fn throw_away(token_uri: &str) -> Result<String> {
    let file = json!({
        "type": "service_account",
        "project_id": "example",
        "private_key_id": "0123456789abcdef0123456789abcdef01234567",
        "private_key": rsa_key()?,
        "client_email": "nightly@example.iam.gserviceaccount.com",
        "client_id": "100000000000000000000",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": token_uri,
    });
    Ok(file.to_string())
}

/// A new RSA key of 2048 bits, PKCS #8 in PEM.
fn rsa_key() -> Result<String> {
    let made = Command::new("openssl")
        .args(["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])
        .output()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                "the throw-away key is made by the `openssl` command, which is not installed".into()
            }
            _ => format!("`openssl`, which makes the throw-away key, cannot be run: {error}"),
        })?;
    if !made.status.success() {
        let said = String::from_utf8_lossy(&made.stderr);
        return Err(
            format!("`openssl genpkey` made no throw-away key, {}: {}", made.status, said.trim()).into()
        );
    }
    Ok(String::from_utf8(made.stdout)?)
}
