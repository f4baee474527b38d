//! Prints what a Google Analytics property counted: totals, then the top rows.
//!
//! The 2012 script that this crate replaces logged in, requested page views and printed them; this is the
//! same job. Without arguments a fake Google on this machine answers, so that it runs before there is a key:
//!
//! ```text
//! cargo run --example getdata
//! cargo run --example getdata -- --key key.json --property 123456789 --start 7daysAgo --metrics sessions
//! ```
//!
//! Data goes to stdout, everything else to stderr. Exit status: 0, 1 for a failed query, 2 for wrong usage.

mod advice;
mod arguments;
mod fake;
mod notes;
mod print;
mod text;
mod wait;

use arguments::{Arguments, Figures};
use clap::Parser;
use shortway::analytics::{Analytics, PropertyId, Report, ReportRequest};
use shortway::{Error, ErrorKind, ServiceAccountKey, TokenSource, scope};
use std::error::Error as _;
use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;
use wait::Watched;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).and_then(|printed| write_out(&printed)) {
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

fn run(arguments: &Arguments) -> Result<String, Failure> {
    let request = arguments.request()?;
    let report = match arguments.figures()? {
        Figures::MadeUp => {
            say(
                "note",
                "these figures are made up: they come from a fake Google on this machine, see --help",
            );
            fake::report(&request)?
        }
        Figures::Of(property) => report_of(property, arguments, &request)?,
    };
    for note in notes::of(&report) {
        say("note", note);
    }
    Ok(print::report(&report, arguments.format)?)
}

fn report_of(property: &str, arguments: &Arguments, request: &ReportRequest) -> Result<Report, Failure> {
    let property: PropertyId = property.parse().map_err(usage)?;
    let key = match &arguments.key {
        Some(path) => ServiceAccountKey::from_file(path)?,
        None => ServiceAccountKey::from_env()?,
    };
    let watched = Watched::default();
    let mut tokens = shortway::service_account(key, [scope::ANALYTICS_READONLY]).transport(watched.clone());
    if let Some(url) = &arguments.token_url {
        tokens = tokens.token_endpoint(url);
    }
    let tokens = tokens.build().map_err(|error| match &arguments.token_url {
        // With an endpoint named on the command line that is what `build` can find fault with.
        Some(_) => wrong_value("--token-url", &error),
        None => error.into(),
    })?;
    let mut analytics = Analytics::with_transport(tokens.clone(), watched.apart());
    if let Some(url) = &arguments.api_url {
        analytics = analytics.with_endpoint(url).map_err(|error| wrong_value("--api-url", &error))?;
    }
    // The client would get the token itself; first, it can be told which of the two is late.
    watched.announced("token", || tokens.token())?;
    Ok(watched.announced("report", || analytics.property(property).run_report(request))?)
}

fn write_out(printed: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(printed.as_bytes()).and_then(|()| stdout.flush()) {
        // The reader has seen enough: `getdata | head`.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(e) => {
            Err(Error::new(ErrorKind::Other, "cannot write to the standard output").with_source(e).into())
        }
        Ok(()) => Ok(()),
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
