//! Every night: Google Analytics reports into a database, day by day.
//!
//! See README.md. Exit status: 0 when every site is complete, 1 when one is not, 2 for wrong usage or a wrong
//! configuration.

mod config;
mod day;
mod fetch;
mod plan;
mod progress;
mod run;
mod sink;

use clap::Parser;
use config::Config;
use jiff::Timestamp;
use jiff::civil::Date;
use run::Options;
use sink::Use;
use std::path::PathBuf;
use std::process::ExitCode;

/// Downloads Google Analytics reports into a database, day by day.
///
/// Each run downloads the days that are missing and the last days again, whose figures may have changed.
/// Exit status: 0 when every site is complete, 1 when one is not, 2 for a wrong configuration.
#[derive(Parser)]
struct Arguments {
    /// The configuration
    #[arg(long, default_value = "nightly.toml", value_name = "FILE")]
    config: PathBuf,
    /// Downloads every day from this one on, those that are stored too
    #[arg(long, value_name = "YYYY-MM-DD")]
    since: Option<Date>,
    /// Prints what would be downloaded, and stores nothing
    #[arg(long)]
    dry_run: bool,
    /// How many sites are downloaded at the same time
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    jobs: u8,
    /// The time to go by, for tests
    #[arg(long, hide = true)]
    now: Option<Timestamp>,
}

/// The exit status of a wrong configuration; clap's for wrong usage.
const WRONG: u8 = 2;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = match Config::load(&arguments.config) {
        Ok(config) => config,
        Err(faults) => {
            faults.iter().for_each(|fault| eprintln!("error: {fault}"));
            return ExitCode::from(WRONG);
        }
    };
    if download(&config, &arguments) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn download(config: &Config, arguments: &Arguments) -> bool {
    let how = if arguments.dry_run { Use::Reading } else { Use::Writing };
    let sink = match sink::open(&config.database, how) {
        Ok(sink) => sink,
        Err(error) => {
            eprintln!("error: {error}");
            return false;
        }
    };
    let options = Options {
        since: arguments.since,
        dry_run: arguments.dry_run,
        jobs: arguments.jobs.into(),
        now: arguments.now.unwrap_or_else(Timestamp::now),
    };
    run::run(config, &options, sink)
}
