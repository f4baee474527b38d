//! A key that lives elsewhere: the `openssl` program signs, as a KMS or an HSM would. Prints an access token.
//!
//! ```text
//! cargo run --example signer_openssl -- --pem key.pem --email nightly@my-project.iam.gserviceaccount.com
//! ```
//!
//! The token goes to stdout, errors to stderr. Exit status: 0, 1 when there is no token, 2 for wrong usage.

use clap::Parser;
use shortway::{Error, ErrorKind, ServiceAccountKey, Signer, TokenSource, scope};
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Print an access token; the openssl program signs
#[derive(Parser)]
#[command(name = "signer_openssl", version, about)]
struct Arguments {
    /// The private key, a PEM file that openssl reads
    #[arg(long, value_name = "FILE")]
    pem: PathBuf,
    /// The account's e-mail address
    #[arg(long)]
    email: String,
    /// The key's id
    #[arg(long)]
    key_id: Option<String>,
    /// Let the key sign the token itself: no request is sent
    #[arg(long)]
    self_signed: bool,
    /// Get the token here instead of at Google
    #[arg(long, value_name = "URL", default_value = shortway::endpoint::token::GOOGLE)]
    token_url: String,
}

/// Signs with `openssl dgst -sha256 -sign`. The private key is never in this process.
struct Openssl {
    pem: PathBuf,
}

impl Signer for Openssl {
    fn sign(&self, message: &[u8], deadline: Instant) -> Result<Vec<u8>, Error> {
        let mut child = Command::new("openssl")
            .args(["dgst", "-sha256", "-sign"])
            .arg(&self.pem)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|cause| failed("cannot be started").with_source(cause))?;
        // Message and signature fit into the buffers of pipes: neither side waits for the other. A program
        // that ends before it has read the message says so with its status.
        if let Some(mut stdin) = child.stdin.take() {
            let _ = stdin.write_all(message);
        }
        if !ends_in_time(&mut child, deadline)? {
            let message = "the openssl program has not signed by the deadline";
            return Err(Error::new(ErrorKind::Timeout, message));
        }
        let mut signature = Vec::new();
        if let Some(mut stdout) = child.stdout.take() {
            stdout.read_to_end(&mut signature).map_err(|cause| failed("was cut off").with_source(cause))?;
        }
        Ok(signature)
    }
}

/// Whether the program ends by the deadline, and well; one that does not is killed.
fn ends_in_time(child: &mut Child, deadline: Instant) -> Result<bool, Error> {
    loop {
        match child.try_wait().map_err(|cause| failed("cannot be waited for").with_source(cause))? {
            Some(status) if status.success() => return Ok(true),
            Some(_) => {
                return Err(failed("does not sign").with_hint(
                    "check that the file is an RSA key without a \
                    passphrase",
                ));
            }
            None if Instant::now() >= deadline => {
                // It may have ended meanwhile.
                let _ = child.kill();
                let _ = child.wait();
                return Ok(false);
            }
            None => thread::sleep(Duration::from_millis(2)),
        }
    }
}

fn failed(how: &str) -> Error {
    Error::new(ErrorKind::Key, format!("the openssl program {how}"))
}

fn main() -> ExitCode {
    match token(Arguments::parse()) {
        Ok(token) if writeln!(io::stdout(), "{token}").is_ok() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn token(arguments: Arguments) -> Result<String, Error> {
    let signer = Openssl { pem: arguments.pem };
    let key = ServiceAccountKey::with_signer(arguments.email, arguments.key_id, signer)?;
    let scopes = [scope::ANALYTICS_READONLY];
    let tokens = if arguments.self_signed {
        shortway::self_signed(key, scopes).build()?
    } else {
        shortway::service_account(key, scopes).token_endpoint(arguments.token_url).build()?
    };
    Ok(tokens.token()?.expose_secret().to_owned())
}
