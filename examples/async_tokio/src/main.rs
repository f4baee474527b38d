//! shortway from async code: the cached token without waiting, and a blocking thread for the rare other case.
//!
//! `cargo run --manifest-path examples/async_tokio/Cargo.toml`: a hundred tasks on one runtime thread get
//! tokens from a fake Google while a maintenance thread keeps the token fresh; the program prints how often
//! each way was taken.

use shortway::testing::FakeGoogle;
use shortway::{Error, ErrorKind, Token, TokenSource, Tokens, scope};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// How often a task had to go to a blocking thread.
static BLOCKED: AtomicUsize = AtomicUsize::new(0);

/// A token for async callers: at once if one is held, else from a thread that may block.
async fn token(tokens: &Tokens) -> Result<Token, Error> {
    if let Some(token) = tokens.usable_token() {
        return Ok(token);
    }
    BLOCKED.fetch_add(1, Ordering::Relaxed);
    let tokens = tokens.clone();
    tokio::task::spawn_blocking(move || tokens.token()).await.unwrap_or_else(|_| {
        Err(Error::new(ErrorKind::Aborted, "the thread that requested a token ended early"))
    })
}

#[tokio::main(worker_threads = 1)]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Error> {
    let google = FakeGoogle::builder().start()?;
    let tokens: Tokens = shortway::service_account(google.key(), [scope::ANALYTICS_READONLY])
        .token_endpoint(google.token_url())
        .build()?;

    let cold: Vec<_> = (0..10).map(|_| spawn_task(&tokens)).collect();
    for task in cold {
        task.await.expect("no panic")?;
    }
    println!(
        "cold: 10 tasks, {} on blocking threads, {} token request(s)",
        BLOCKED.load(Ordering::Relaxed),
        google.token_requests()
    );

    // From here on this thread refreshes the token, a little before any other caller would have to.
    let upkeep = tokens.clone();
    thread::spawn(move || {
        loop {
            let done = upkeep.refresh_if_due();
            if let Some(Err(error)) = done.refreshed {
                eprintln!("the token was not refreshed, the next attempt follows: {error}");
            }
            thread::sleep(done.next);
        }
    });

    BLOCKED.store(0, Ordering::Relaxed);
    let warm: Vec<_> = (0..100).map(|_| spawn_task(&tokens)).collect();
    for task in warm {
        task.await.expect("no panic")?;
    }
    println!(
        "warm: 100 tasks, {} on blocking threads, {} token request(s) in all",
        BLOCKED.load(Ordering::Relaxed),
        google.token_requests()
    );
    Ok(())
}

fn spawn_task(tokens: &Tokens) -> tokio::task::JoinHandle<Result<(), Error>> {
    let tokens = tokens.clone();
    tokio::spawn(async move {
        let token = token(&tokens).await?;
        // … here the token goes on a request: token.authorization_secret() …
        assert!(token.authorization_secret().starts_with("Bearer "));
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(())
    })
}
