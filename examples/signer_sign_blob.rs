//! A service account without a key of its own: Google signs for it, through `signBlob` of the IAM Credentials
//! API, with a token of another account. Prints an access token.
//!
//! The other account needs the role "Service Account Token Creator" on the one that it signs for.
//! <https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/signBlob>
//!
//! ```text
//! cargo run --example signer_sign_blob -- --key key.json --email other@my-project.iam.gserviceaccount.com
//! ```
//!
//! The token goes to stdout, errors go to stderr. Exit status: 0, 1 when there is no token, 2 for wrong
//! usage.

use base64::prelude::{BASE64_STANDARD, Engine};
use clap::Parser;
use serde_json::json;
use shortway::http::{Request, UreqTransport};
use shortway::{Authorized, Error, ErrorKind, ServiceAccountKey, Signer, TokenSource, scope};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Print an access token of an account that Google signs for
#[derive(Parser)]
#[command(name = "signer_sign_blob", version, about)]
struct Arguments {
    /// The JSON key file of the account that has the role
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The e-mail address of the account that the token is for
    #[arg(long)]
    email: String,
    /// Get tokens here instead of at Google
    #[arg(long, value_name = "URL", default_value = shortway::endpoint::token::GOOGLE)]
    token_url: String,
    /// The IAM Credentials API
    #[arg(long, value_name = "URL", default_value = "https://iamcredentials.googleapis.com")]
    iam_url: String,
}

/// Signs through `signBlob`. The key is Google's, and its id is not known before it signs: an assertion needs
/// none.
struct SignBlob {
    api: Authorized,
    url: String,
}

impl SignBlob {
    fn new(tokens: impl TokenSource + 'static, iam_url: &str, email: &str) -> Result<Self, Error> {
        let url = format!("{iam_url}/v1/projects/-/serviceAccounts/{email}:signBlob");
        Ok(Self { api: Authorized::new(tokens, UreqTransport::new()).with_host(iam_url)?, url })
    }
}

/// What `signBlob` answers.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signed {
    signed_blob: String,
}

impl Signer for SignBlob {
    fn sign(&self, message: &[u8], deadline: Instant) -> Result<Vec<u8>, Error> {
        let body = json!({"payload": BASE64_STANDARD.encode(message)});
        let api = self.api.clone().with_deadline(deadline);
        let signed: Signed = api.json(Request::post(&self.url).body(body)?).map_err(with_the_role)?;
        BASE64_STANDARD
            .decode(signed.signed_blob)
            .map_err(|_| Error::new(ErrorKind::Malformed, "the signature of signBlob is not base64"))
    }
}

/// What to do where signing is not allowed.
fn with_the_role(error: Error) -> Error {
    if error.status() != Some(403) {
        return error;
    }
    error
        .with_hint("the account of the key needs the role Service Account Token Creator on the other account")
}

fn main() -> ExitCode {
    match token(&Arguments::parse()) {
        Ok(token) if writeln!(io::stdout(), "{token}").is_ok() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn token(arguments: &Arguments) -> Result<String, Error> {
    let source = ServiceAccountKey::from_file(&arguments.key)?;
    let source = shortway::service_account(source, [scope::CLOUD_PLATFORM])
        .token_endpoint(&arguments.token_url)
        .build()?;
    let signer = SignBlob::new(source, &arguments.iam_url, &arguments.email)?;
    let key = ServiceAccountKey::with_signer(&arguments.email, None, signer)?;
    let tokens = shortway::service_account(key, [scope::ANALYTICS_READONLY])
        .token_endpoint(&arguments.token_url)
        .build()?;
    Ok(tokens.token()?.expose_secret().to_owned())
}
