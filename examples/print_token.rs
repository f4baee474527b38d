//! Prints a token of a service account, and nothing else, to the standard output.
//!
//! ```text
//! cargo run --example print_token -- --key key.json --audience https://service.example.com/
//! … --format header | curl -H @- https://…
//! ```
//!
//! Everything else goes to stderr. Exit status: 0, 1 when there is no token, 2 for wrong usage.

#![expect(clippy::doc_markdown, reason = "the comments on arguments are the text of --help")]

use clap::builder::NonEmptyStringValueParser as NonEmpty;
use clap::{ArgGroup, Parser, ValueEnum};
use serde_json::json;
use shortway::{
    Error, ErrorKind, FileStore, ServiceAccountKey, Token, TokenKind, TokenSource, Tokens, TokensBuilder,
};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;
use time::OffsetDateTime;

const AFTER_HELP: &str = "\
Of these, one is needed:
  --scope                    an access token from the token endpoint, for Google's APIs
  --audience                 an ID token from the token endpoint, for a service that checks who calls
  --self-signed --scope      a token that the key signs itself, for Google's APIs
  --self-signed --audience   the same for one API, such as https://analyticsdata.googleapis.com/

The token goes to stdout, notes and errors to stderr. Anybody can use a token until it expires: keep it out of
logs, and out of the arguments of other programs.
Exit status: 0, 1 when there is no token, 2 for wrong usage.";

#[derive(Parser)]
#[command(name = "print_token", version, about = "Print a token of a service account")]
#[command(after_help = AFTER_HELP)]
#[command(group(ArgGroup::new("for").args(["scope", "audience"]).required(true)))]
struct Arguments {
    /// The service account's JSON key file; by default the one that GOOGLE_APPLICATION_CREDENTIALS names.
    /// With --email, a .p12 file with Google's password (built with the feature p12)
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The e-mail address of the account whose .p12 file --key names
    #[arg(long, value_name = "EMAIL", requires = "key")]
    email: Option<String>,
    /// What the token allows: one or more URLs of scopes
    #[arg(long, value_name = "SCOPE", num_args = 1.., value_parser = NonEmpty::new())]
    scope: Vec<String>,
    /// The user to act for, an e-mail address (domain-wide delegation)
    #[arg(long, value_name = "EMAIL", value_parser = NonEmpty::new())]
    #[arg(conflicts_with_all = ["audience", "self_signed"])]
    subject: Option<String>,
    /// The service that the token is for: its URL or its client id
    #[arg(long, value_name = "AUDIENCE", value_parser = NonEmpty::new())]
    audience: Option<String>,
    /// Let the key sign the token itself: no request is sent
    #[arg(long, conflicts_with = "token_url")]
    self_signed: bool,
    /// Get the token here instead of at Google: https, or http with a loopback IP address
    #[arg(long, value_name = "URL", value_parser = NonEmpty::new())]
    token_url: Option<String>,
    /// Keep the token in this file, for the next run and other processes; it is made for this user alone
    #[arg(long, value_name = "FILE", conflicts_with = "self_signed")]
    store: Option<PathBuf>,
    /// Say whether the token was requested or comes from the file of --store
    #[arg(short, long)]
    verbose: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// The token alone
    Text,
    /// One object: token, token_type, kind, expires_at, email
    Json,
    /// The header: Authorization: Bearer …
    Header,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(printed) => write_out(&printed),
        Err((status, error)) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(status)
        }
    }
}

/// What is printed, or the exit status and the error.
fn run(arguments: &Arguments) -> Result<String, (u8, Error)> {
    let key = match (&arguments.key, &arguments.email) {
        (Some(path), Some(email)) => p12(path, email),
        (Some(path), None) => ServiceAccountKey::from_file(path),
        (None, _) => ServiceAccountKey::from_env(),
    }
    .map_err(|error| (1, error))?;
    let email = key.client_email().to_owned();
    let tokens = source(arguments, key).map_err(|error| (2, error))?;
    let token = tokens.token().map_err(|error| (1, error))?;
    tell_origin(arguments, &tokens);
    let kind = kind(&token);
    let _ = writeln!(io::stderr(), "note: an {kind} token of {email}, valid until {}", end(&token));
    Ok(match arguments.format {
        Format::Text => format!("{}\n", token.expose_secret()),
        Format::Header => format!("Authorization: {}\n", token.authorization_secret()),
        Format::Json => {
            let (token, end) = (token.expose_secret(), end(&token));
            let json = json!({
                "token": token,
                "token_type": "Bearer",
                "kind": kind,
                "expires_at": end,
                "email": email,
            });
            format!("{json}\n")
        }
    })
}

/// A key in a container with the password of Google's .p12 files.
#[cfg(feature = "p12")]
fn p12(path: &Path, email: &str) -> Result<ServiceAccountKey, Error> {
    ServiceAccountKey::from_p12_file(email, path, "notasecret")
}

#[cfg(not(feature = "p12"))]
fn p12(_: &Path, _: &str) -> Result<ServiceAccountKey, Error> {
    Err(Error::new(ErrorKind::Config, "this program was built without the feature p12, which --email needs")
        .with_hint("build it anew: cargo build --example print_token --features p12"))
}

/// The source that the arguments describe. What it finds fault with is an argument.
fn source(arguments: &Arguments, key: ServiceAccountKey) -> Result<Tokens, Error> {
    let scopes = &arguments.scope;
    match (&arguments.audience, arguments.self_signed) {
        (Some(audience), true) => shortway::self_signed_for(key, audience).build(),
        (None, true) => shortway::self_signed(key, scopes).build(),
        (Some(audience), false) => {
            let mut tokens = stored(shortway::id_token(key, audience), arguments)?;
            if let Some(url) = &arguments.token_url {
                tokens = tokens.token_endpoint(url);
            }
            tokens.build()
        }
        (None, false) => {
            let mut tokens = stored(shortway::service_account(key, scopes), arguments)?;
            if let Some(url) = &arguments.token_url {
                tokens = tokens.token_endpoint(url);
            }
            if let Some(user) = &arguments.subject {
                tokens = tokens.subject(user);
            }
            tokens.build()
        }
    }
}

/// The same with the file of `--store`, if there is one.
fn stored<C>(tokens: TokensBuilder<C>, arguments: &Arguments) -> Result<TokensBuilder<C>, Error> {
    match &arguments.store {
        Some(path) => Ok(tokens.store(FileStore::at(path)?)),
        None => Ok(tokens),
    }
}

/// Says where the token comes from, if that is wanted, and what is wrong with the file of `--store`.
fn tell_origin(arguments: &Arguments, tokens: &Tokens) {
    let status = tokens.source().status();
    if let Some(error) = &status.last_failure {
        let _ = writeln!(io::stderr(), "warning: {error}");
    }
    let file = arguments.store.as_deref().unwrap_or(Path::new("")).display();
    let origin = match (arguments.self_signed, status.loaded > 0, status.saved > 0) {
        _ if !arguments.verbose => return,
        (true, ..) => "the key has signed the token, no request was made".to_owned(),
        (_, true, _) => format!("the token comes from {file}, no request was made"),
        (_, _, true) => format!("the token was requested, and saved in {file}"),
        _ => "the token was requested, and not saved".to_owned(),
    };
    let _ = writeln!(io::stderr(), "note: {origin}");
}

fn kind(token: &Token) -> &'static str {
    match token.kind() {
        TokenKind::Id => "ID",
        _ => "access",
    }
}

/// When the token expires: RFC 3339, UTC.
fn end(token: &Token) -> String {
    let seconds = token.expires_at().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let end = i64::try_from(seconds).ok().and_then(|s| OffsetDateTime::from_unix_timestamp(s).ok());
    let Some(end) = end else { return format!("{seconds} s after 1970") };
    let (date, hour, minute, second) = (end.date(), end.hour(), end.minute(), end.second());
    format!("{date}T{hour:02}:{minute:02}:{second:02}Z")
}

fn write_out(printed: &str) -> ExitCode {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(printed.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            let error =
                Error::new(ErrorKind::Other, "cannot write to the standard output").with_source(cause);
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}
