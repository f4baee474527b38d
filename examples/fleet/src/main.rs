//! Several processes share one identity through Redis, and make one exchange.
//!
//! ```text
//! cargo run -- --fake --workers 8
//! cargo run -- --key key.json --redis redis://10.0.0.5/
//! ```
//!
//! The lines of the workers go to stdout, everything else to stderr. Exit status: 0, 1 when a worker gets no token,
//! 2 for wrong usage.

use clap::{ArgGroup, Parser};
use shortway::testing::{FakeGoogle, THROW_AWAY_KEY_JSON};
use shortway::{Error, ErrorKind, ServiceAccountKey, TokenSource, scope};
use shortway_example_fleet::RedisStore;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode};

#[derive(Parser)]
#[command(name = "fleet", version, about = "Let several processes share one Google token through Redis")]
#[command(
    after_help = "On another machine, run it with the same key and the same Redis: it makes no exchange."
)]
#[command(group(ArgGroup::new("for").args(["key", "fake"]).required(true)))]
struct Arguments {
    /// The service account's JSON key file
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Let a fake Google on this machine grant tokens
    #[arg(long)]
    fake: bool,
    /// The Redis that all share
    #[arg(long, value_name = "URL", default_value = "redis://127.0.0.1/")]
    redis: String,
    /// How many processes to start
    #[arg(long, value_name = "N", default_value_t = 4)]
    workers: u32,
    /// Be one of the processes, with tokens from here; set by the program itself
    #[arg(long, value_name = "URL", hide = true)]
    token_url: Option<String>,
    #[arg(long, hide = true)]
    worker: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = if arguments.worker { work(&arguments) } else { lead(&arguments) };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(if error.kind() == ErrorKind::Config { 2 } else { 1 })
        }
    }
}

/// Starts the workers and waits for them.
fn lead(arguments: &Arguments) -> Result<(), Error> {
    RedisStore::at(&arguments.redis)?;
    let google = if arguments.fake { Some(FakeGoogle::builder().start()?) } else { None };
    let workers: Vec<Child> =
        (0..arguments.workers).map(|_| start(arguments, google.as_ref())).collect::<Result<_, _>>()?;
    let mut failed = 0;
    for mut worker in workers {
        failed += u32::from(!worker.wait().is_ok_and(|status| status.success()));
    }
    if let Some(google) = google {
        eprintln!("note: {} workers; exchanges: {}", arguments.workers, google.token_requests());
    }
    match failed {
        0 => Ok(()),
        n => Err(Error::new(ErrorKind::Other, format!("{n} of {} workers got no token", arguments.workers))),
    }
}

fn start(arguments: &Arguments, google: Option<&FakeGoogle>) -> Result<Child, Error> {
    let cannot = |cause| Error::new(ErrorKind::Other, "cannot start a worker").with_source(cause);
    let mut command = Command::new(std::env::current_exe().map_err(cannot)?);
    command.args(["--worker", "--redis", &arguments.redis]);
    match (&arguments.key, google) {
        (Some(key), _) => command.arg("--key").arg(key),
        (None, Some(google)) => command.args(["--fake", "--token-url", &google.token_url()]),
        (None, None) => {
            return Err(Error::new(ErrorKind::Config, "neither a key nor the fake Google is given"));
        }
    };
    command.spawn().map_err(cannot)
}

/// What every process of the fleet does: the store is one line.
fn work(arguments: &Arguments) -> Result<(), Error> {
    let key = match &arguments.key {
        Some(path) => ServiceAccountKey::from_file(path)?,
        None => ServiceAccountKey::from_json(THROW_AWAY_KEY_JSON)?,
    };
    let mut tokens =
        shortway::service_account(key, [scope::ANALYTICS_READONLY]).store(RedisStore::at(&arguments.redis)?);
    if let Some(url) = &arguments.token_url {
        tokens = tokens.token_endpoint(url);
    }
    let tokens = tokens.build()?;
    tokens.token()?;
    let (worker, status) = (std::process::id(), tokens.source().status());
    if let Some(error) = &status.last_failure {
        eprintln!("warning: {error}");
    }
    match (status.loaded, status.saved) {
        (1.., _) => println!("worker {worker}: a token from Redis, no request was made"),
        (_, 1..) => println!("worker {worker}: a token was requested, and saved in Redis"),
        _ => println!("worker {worker}: a token was requested, and not saved"),
    }
    Ok(())
}
