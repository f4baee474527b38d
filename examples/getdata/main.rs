//! Prints what a Google Analytics property counted: totals, then the top rows.
//!
//! The 2012 script that this crate replaces logged in, requested page views and printed them; this is the
//! same job. Without arguments a fake Google on this machine answers, so that it runs before there is a key:
//!
//! ```text
//! cargo run --example getdata
//! cargo run --example getdata -- --key key.json --property 123456789 --start 7daysAgo --metrics sessions
//! cargo run --example getdata -- --key key.json --property 123456789 --v3 'ids=ga:1234&start-date=…'
//! ```
//!
//! Data goes to stdout, everything else to stderr. Exit status: 0, 1 for a failed query, 2 for wrong usage.

mod advice;
mod arguments;
mod download;
mod explore;
mod fake;
mod filter;
mod notes;
mod print;
mod site;
mod text;
mod v3;
mod wait;

use arguments::{Arguments, Question};
use clap::Parser;
use shortway::analytics::Report;
use shortway::{Error, ErrorKind};
use site::Site;
use std::error::Error as _;
use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { status, error }) => {
            complain(&error);
            ExitCode::from(status)
        }
    }
}

/// Why nothing was printed, and the exit status for it.
struct Failure {
    status: u8,
    error: Error,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { status: 1, error }
    }
}

/// The arguments are at fault.
fn usage(error: Error) -> Failure {
    Failure { status: 2, error }
}

/// The value of this option is at fault.
fn wrong_value(option: &str, error: &Error) -> Failure {
    let named = Error::new(error.kind(), format!("{option}: {}", error.message()));
    usage(match error.hint() {
        Some(hint) => named.with_hint(hint),
        None => named,
    })
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(query) = &arguments.v3 {
        return write_out(&v3::run(query, arguments)?).map(drop);
    }
    let question = arguments.question()?;
    let site = Site::of(arguments)?;
    let printed = match question {
        Question::All(request) => return download::run(arguments, &request, &site),
        Question::Report(request) => {
            shown(arguments, site.ask("report", |property| property.run_report(&request))?)?
        }
        Question::Realtime(request) => {
            shown(arguments, site.ask("report", |property| property.run_realtime_report(&request))?)?
        }
        Question::Metadata(word) => explore::metadata(arguments, &word, &site)?,
        Question::Check => explore::check(arguments, &site)?,
        Question::Quota => explore::quota(arguments, &site)?,
    };
    write_out(&printed).map(drop)
}

fn shown(arguments: &Arguments, report: Report) -> Result<String, Failure> {
    arguments.check(&report)?;
    for note in notes::of(&report) {
        say("note", note);
    }
    Ok(print::report(&report, arguments.format)?)
}

/// Writes to the standard output; false if nobody reads it any more, as in `getdata | head`.
fn write_out(printed: &str) -> Result<bool, Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(printed.as_bytes()).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(e) => {
            Err(Error::new(ErrorKind::Other, "cannot write to the standard output").with_source(e).into())
        }
        Ok(()) => Ok(true),
    }
}

/// Prints the error, then each cause that says something new.
fn complain(error: &Error) {
    let shown = advice::shown(error);
    say("error", &shown);
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !shown.contains(&words) {
            say("caused by", words);
        }
        cause = error.source();
    }
}

/// One line on stderr. Where that cannot be written either, the exit status has to do.
fn say(what: &str, line: impl Display) {
    let _ = writeln!(io::stderr(), "{what}: {}", text::escaped(&line.to_string()));
}
