//! Token sources that nobody here wrote, against `FakeGoogle`: gcp_auth and yup-oauth2.
//!
//! Prints a line `client, case, result` for each case, separated by tabs; exits with 1 if one fails.

use gcp_auth::{CustomServiceAccount, TokenProvider};
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{FakeGoogle, Fault, Matching, TokenRefusal};
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;
use yup_oauth2::{ServiceAccountAuthenticator, parse_service_account_key};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Gets so many tokens from one source, one after the other.
async fn gcp_auth(google: &FakeGoogle, count: usize) -> Result<Vec<String>> {
    let source = CustomServiceAccount::from_json(&google.key_json())?;
    let mut tokens = Vec::new();
    for _ in 0..count {
        tokens.push(source.token(&[ANALYTICS_READONLY]).await?.as_str().to_owned());
    }
    Ok(tokens)
}

async fn yup_oauth2(google: &FakeGoogle, count: usize) -> Result<Vec<String>> {
    let key = parse_service_account_key(google.key_json())?;
    let source = ServiceAccountAuthenticator::builder(key).build().await?;
    let mut tokens = Vec::new();
    for _ in 0..count {
        let token = source.token(&[ANALYTICS_READONLY]).await?;
        tokens.push(token.token().ok_or("it has no access token")?.to_owned());
    }
    Ok(tokens)
}

/// What both have to do: keep a token, refresh one that is about to expire, fail when they are refused.
macro_rules! cases {
    ($name:literal, $tokens:path) => {{
        let kept = async {
            let google = FakeGoogle::builder().start()?;
            let tokens = $tokens(&google, 2).await?;
            expect(tokens[0].starts_with("ya29.") && tokens[0] == tokens[1], "one token, kept")?;
            expect(google.token_requests() == 1, "one request")
        };
        let refreshed = async {
            let google = FakeGoogle::builder().token_lifetime(Duration::from_secs(5)).start()?;
            let tokens = $tokens(&google, 2).await?;
            expect(tokens[0] != tokens[1], "a token of 5 s is refreshed")?;
            google.assert_requests(&Matching::token(), 2);
            Ok(())
        };
        let refused = async {
            let google = FakeGoogle::builder().start()?;
            google.fault(Fault::token_refusal(TokenRefusal::UnknownAccount).always());
            expect($tokens(&google, 1).await.is_err(), "a refusal is an error")
        };
        [
            report($name, "token, kept", kept.await),
            report($name, "refresh", refreshed.await),
            report($name, "refusal", refused.await),
        ]
    }};
}

fn expect(holds: bool, what: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(format!("expected: {what}").into()) }
}

fn report(name: &str, case: &str, result: Result<()>) -> bool {
    let shown = match &result {
        Ok(()) => "ok".to_owned(),
        Err(error) => format!("FAILED: {error}"),
    };
    println!("{name}\t{case}\t{shown}");
    result.is_ok()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let passed = [cases!("gcp_auth", gcp_auth), cases!("yup-oauth2", yup_oauth2)];
    if passed.as_flattened().contains(&false) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
