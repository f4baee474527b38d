//! A query of Core Reporting v3, as the 2012 script had it: its totals are printed as the script printed
//! them.

use crate::arguments::{Arguments, Format};
use crate::site::Site;
use crate::text::escaped;
use crate::{Failure, notes, say, usage, wrong_value};
use shortway::analytics::v3::{GaData, Query, Translation};
use shortway::{Error, ErrorKind};
use std::fmt::Write as _;

/// Runs the query, with notes on what changed since v3.
pub(crate) fn run(query: &str, arguments: &Arguments) -> Result<String, Failure> {
    let translation = translation(query, arguments.format)?;
    for note in &translation.notes {
        say("note", note);
    }
    let report = Site::of(arguments)?.ask("report", |property| property.run_report(&translation.request))?;
    arguments.check(&report)?;
    for note in notes::of_page(&report) {
        say("note", note);
    }
    let answer = translation.answer(&report)?;
    match arguments.format {
        Format::Json => Ok(json(&answer)?),
        _ => Ok(totals(&answer)),
    }
}

fn translation(query: &str, format: Format) -> Result<Translation, Failure> {
    if matches!(format, Format::Csv | Format::Jsonl) {
        let message = "--v3 has the formats table and json";
        let hint = "leave --format out for the totals, or give json for v3's own answer with rows";
        return Err(usage(Error::new(ErrorKind::Config, message).with_hint(hint)));
    }
    let translation = query.parse::<Query>().and_then(|query| query.translate());
    translation.map_err(|error| wrong_value("--v3", &error))
}

/// A line for each metric: `ga:pageviews: 1234`.
fn totals(answer: &GaData) -> String {
    let mut out = String::new();
    for (name, total) in &answer.totals_for_all_results {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}: {}", escaped(name), escaped(total));
    }
    out
}

/// The whole answer, in the JSON that v3 had.
fn json(answer: &GaData) -> Result<String, Error> {
    let json = serde_json::to_string(answer);
    let json = json.map_err(|e| Error::new(ErrorKind::Other, "cannot write the answer").with_source(e))?;
    Ok(json + "\n")
}
