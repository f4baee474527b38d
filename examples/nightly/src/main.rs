//! Every night: Google Analytics reports into a database, day by day.
//!
//! See README.md. Exit status: 0 when every site is complete, 1 when one is not, 2 for wrong usage or a wrong
//! configuration.

mod chart;
mod config;
mod day;
mod demo;
mod fetch;
mod plan;
mod progress;
mod run;
mod sink;

use clap::{Args, Parser, Subcommand};
use config::Config;
use jiff::Timestamp;
use jiff::civil::Date;
use run::Options;
use shortway::Error;
use sink::Use;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Downloads Google Analytics reports into a database, day by day.
///
/// Each run downloads the days that are missing and the last days again, whose figures may have changed.
/// Exit status: 0 when every site is complete, 1 when one is not, 2 for a wrong configuration.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

#[derive(Subcommand)]
enum Command {
    /// Draws each site's metrics over time
    Chart {
        /// The configuration
        #[arg(long, default_value = "nightly.toml", value_name = "FILE")]
        config: PathBuf,
        /// The chart: a page (.html) or a picture (.svg)
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Fills a folder with 60 days of made-up figures, and draws them
    Demo {
        /// The folder, which is made
        #[arg(long, default_value = "nightly-demo", value_name = "FOLDER")]
        out: PathBuf,
    },
}

#[derive(Args)]
struct Run {
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
    let result = match arguments.command {
        None => download(&arguments.run),
        Some(Command::Chart { config, out }) => draw(&config, &out),
        Some(Command::Demo { out }) => demo::demo(&out, Timestamp::now()).map_err(Fault::from),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Fault { status, lines }) => {
            lines.iter().for_each(|line| eprintln!("error: {line}"));
            ExitCode::from(status)
        }
    }
}

/// Why the program did not do all that it should: what is still to be told, and the exit status.
struct Fault {
    status: u8,
    lines: Vec<String>,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self { status: 1, lines: vec![error.to_string()] }
    }
}

fn load(file: &Path) -> Result<Config, Fault> {
    Config::load(file).map_err(|lines| Fault { status: WRONG, lines })
}

fn download(arguments: &Run) -> Result<(), Fault> {
    let config = load(&arguments.config)?;
    let how = if arguments.dry_run { Use::Reading } else { Use::Writing };
    let sink = sink::open(&config.database, how)?;
    let options = Options {
        since: arguments.since,
        dry_run: arguments.dry_run,
        jobs: arguments.jobs.into(),
        now: arguments.now.unwrap_or_else(Timestamp::now),
    };
    let complete = run::run(&config, &options, sink);
    // What is not complete was told while it ran.
    if complete { Ok(()) } else { Err(Fault { status: 1, lines: Vec::new() }) }
}

fn draw(file: &Path, out: &Path) -> Result<(), Fault> {
    let config = load(file)?;
    let mut sink = sink::open(&config.database, Use::Reading)?;
    Ok(chart::chart(&config, &mut *sink, out)?)
}
