//! Prints what a Google Analytics property counted: totals, then the top rows.
//!
//! The 2012 script that this crate replaces logged in, asked for page views and printed them; this is the same job.
//! Without arguments it asks a fake Google on this machine, so that it runs before there is a key:
//!
//! ```text
//! cargo run --example getdata
//! cargo run --example getdata -- --key key.json --property 123456789 --start 7daysAgo --metrics sessions
//! ```
//!
//! Data goes to stdout, everything else to stderr. Exit status: 0, 1 for a failed query, 2 for wrong usage.

#![expect(clippy::doc_markdown, reason = "the comments on arguments are the text of --help")]

use clap::{Parser, ValueEnum};
use serde_json::{Map, Value, json};
use shortway::analytics::{Analytics, ColumnKind, DateRange, OrderBy, PropertyId, Report, ReportRequest};
use shortway::testing::{FakeGoogle, FakeTable};
use shortway::{Error, ErrorKind, ServiceAccountKey, scope};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use time::{Duration, OffsetDateTime};

/// Print what a Google Analytics (GA4) property counted.
///
/// With neither --key nor --property a fake Google on this machine is asked; its figures are made up.
#[derive(Parser)]
#[command(name = "getdata")]
struct Arguments {
    /// The service account's JSON key file; by default the one that GOOGLE_APPLICATION_CREDENTIALS names
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The property's number (Google Analytics: Admin, Property settings, Property details)
    #[arg(long, value_name = "ID")]
    property: Option<String>,
    /// The first day: YYYY-MM-DD, NdaysAgo, yesterday or today
    #[arg(long, value_name = "DAY", default_value = "30daysAgo")]
    start: String,
    /// The last day
    #[arg(long, value_name = "DAY", default_value = "yesterday")]
    end: String,
    /// What to count
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "screenPageViews,sessions")]
    metrics: Vec<String>,
    /// What to count by; give an empty text for totals alone
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "pagePath")]
    dimensions: Vec<String>,
    /// What to sort by, with a minus for largest first; by default the first metric, largest first
    #[arg(long, value_name = "[-]NAME", allow_hyphen_values = true)]
    order_by: Option<String>,
    /// How many rows at most
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=250_000))]
    limit: u64,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Get tokens here instead of at Google: https, or http with a loopback IP address
    #[arg(long, value_name = "URL")]
    token_url: Option<String>,
    /// Ask here instead of at Google: https, or http with a loopback IP address
    #[arg(long, value_name = "URL")]
    api_url: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Totals, then an aligned table
    Table,
    /// One object: totals, rows, rowCount
    Json,
    /// A header line, then the rows
    Csv,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let printed = run(&arguments).and_then(|text| print(&text));
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { status, error }) => {
            eprintln!("error: {}", error.message());
            if let Some(hint) = error.hint() {
                eprintln!("hint: {hint}");
            }
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

fn usage(error: Error) -> Failure {
    Failure { status: 2, error }
}

fn run(arguments: &Arguments) -> Result<String, Failure> {
    let request = request(arguments)?;
    let report = if arguments.key.is_none() && arguments.property.is_none() {
        eprintln!(
            "note: neither --key nor --property given: asking a fake Google on this machine; its figures are made up"
        );
        ask_fake(arguments, &request)?
    } else {
        ask_google(arguments, &request)?
    };
    if report.is_empty() {
        eprintln!("note: Analytics has no rows for this question");
    } else if !report.is_complete() {
        eprintln!("note: {} of {} rows shown, see --limit", report.len(), report.row_count());
    }
    Ok(match arguments.format {
        Format::Table => as_table(&report)?,
        Format::Json => as_json(&report)?,
        Format::Csv => as_csv(&report)?,
    })
}

fn request(arguments: &Arguments) -> Result<ReportRequest, Failure> {
    let names = |list: &[String]| {
        list.iter().map(|n| n.trim().to_owned()).filter(|n| !n.is_empty()).collect::<Vec<_>>()
    };
    let (metrics, dimensions) = (names(&arguments.metrics), names(&arguments.dimensions));
    let Some(first) = metrics.first() else {
        return Err(usage(Error::new(ErrorKind::Config, "--metrics names nothing to count")));
    };
    let order = arguments.order_by.clone().unwrap_or_else(|| format!("-{first}"));
    let name = order.strip_prefix('-').unwrap_or(&order);
    let by = if metrics.iter().any(|m| m == name) {
        OrderBy::metric(name)
    } else if dimensions.iter().any(|d| d == name) {
        OrderBy::dimension(name)
    } else {
        return Err(usage(
            Error::new(
                ErrorKind::Config,
                format!("--order-by {name}: it is neither in --metrics nor in --dimensions"),
            )
            .with_hint("only what is shown can be sorted by"),
        ));
    };
    let by = if order.starts_with('-') { by.desc() } else { by };
    Ok(ReportRequest::new()
        .dates(DateRange::new(&arguments.start, &arguments.end))
        .metrics(metrics)
        .dimensions(dimensions)
        .order_by(by)
        .limit(arguments.limit))
}

fn ask_google(arguments: &Arguments, request: &ReportRequest) -> Result<Report, Failure> {
    let Some(property) = &arguments.property else {
        return Err(usage(
            Error::new(ErrorKind::Config, "--key needs --property, the number of the property to ask about")
                .with_hint("in Google Analytics: Admin, Property settings, Property details, top right"),
        ));
    };
    let property: PropertyId = property.parse().map_err(usage)?;
    let key = match &arguments.key {
        Some(path) => ServiceAccountKey::from_file(path)?,
        None => ServiceAccountKey::from_env()?,
    };
    let mut tokens = shortway::service_account(key, [scope::ANALYTICS_READONLY]);
    if let Some(url) = &arguments.token_url {
        tokens = tokens.token_endpoint(url);
    }
    // With an endpoint named on the command line that is what `build` can find fault with.
    let fault = if arguments.token_url.is_some() { usage } else { Failure::from };
    let mut analytics = Analytics::new(tokens.build().map_err(fault)?);
    if let Some(url) = &arguments.api_url {
        analytics = analytics.with_endpoint(url).map_err(usage)?;
    }
    Ok(analytics.property(property).run_report(request)?)
}

fn ask_fake(arguments: &Arguments, request: &ReportRequest) -> Result<Report, Failure> {
    if arguments.token_url.is_some() || arguments.api_url.is_some() {
        return Err(usage(Error::new(
            ErrorKind::Config,
            "--token-url and --api-url need --key and --property",
        )));
    }
    let google = FakeGoogle::builder().property(1234, made_up_figures()).start()?;
    let tokens = shortway::service_account(google.key(), [scope::ANALYTICS_READONLY])
        .token_endpoint(google.token_url())
        .build()?;
    let analytics = Analytics::new(tokens).with_endpoint(&google.api_url())?;
    Ok(analytics.property(1234).run_report(request)?)
}

/// A small site over the last 60 days.
fn made_up_figures() -> FakeTable {
    let pages = ["/", "/blog", "/blog/hello-world", "/about", "/contact", "/download", "/404"];
    let countries = ["Italy", "Chile", "Japan"];
    let mut table = FakeTable::new(
        ["date", "pagePath", "country"],
        ["screenPageViews", "sessions", "userEngagementDuration"],
    );
    for day in 0..60_u32 {
        let date = (OffsetDateTime::now_utc() - Duration::days(day.into())).date();
        let date = format!("{:04}{:02}{:02}", date.year(), u8::from(date.month()), date.day());
        for (p, page) in (1_u32..).zip(pages) {
            for (c, country) in (1_u32..).zip(countries) {
                let sessions = f64::from(1 + (day * 7 + p * 3 + c * 5) % 11) * f64::from(8 - p);
                let figures = [sessions * 2.0 + f64::from(p), sessions, sessions * 31.5];
                table = table.row([&date, page, country], figures);
            }
        }
    }
    table
}

fn as_table(report: &Report) -> Result<String, Error> {
    let mut out = String::new();
    for (metric, total) in totals(report)? {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{metric}: {}", total.unwrap_or("no data"));
    }
    let header: Vec<&str> = report.columns().iter().map(|c| c.name.as_str()).collect();
    let rows: Vec<Vec<&str>> = report.rows().collect::<Result<_, _>>()?;
    if rows.is_empty() {
        return Ok(out);
    }
    let lines = || std::iter::once(&header).chain(&rows);
    let widths: Vec<usize> =
        (0..header.len()).map(|i| lines().map(|line| line[i].chars().count()).max().unwrap_or(0)).collect();
    out.push('\n');
    for line in lines() {
        let mut text = String::new();
        for ((cell, width), column) in line.iter().zip(&widths).zip(report.columns()) {
            let _ = match column.kind {
                ColumnKind::Dimension => write!(text, "{cell:<width$}  "),
                _ => write!(text, "{cell:>width$}  "),
            };
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
    Ok(out)
}

fn as_json(report: &Report) -> Result<String, Error> {
    let totals: Map<String, Value> = totals(report)?
        .into_iter()
        .map(|(m, total)| (m.to_owned(), total.map_or(Value::Null, number)))
        .collect();
    let mut rows = Vec::with_capacity(report.len());
    for row in report.rows::<Vec<&str>>() {
        let cells = report.columns().iter().zip(row?).map(|(column, cell)| {
            let value = match column.kind {
                ColumnKind::Dimension => cell.into(),
                _ => number(cell),
            };
            (column.name.clone(), value)
        });
        rows.push(Value::Object(cells.collect()));
    }
    Ok(format!("{}\n", json!({"totals": totals, "rows": rows, "rowCount": report.row_count()})))
}

fn as_csv(report: &Report) -> Result<String, Error> {
    let quoted = |cell: &str| match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    };
    let line = |cells: Vec<&str>| cells.into_iter().map(quoted).collect::<Vec<_>>().join(",");
    let mut lines = vec![line(report.columns().iter().map(|c| c.name.as_str()).collect())];
    for row in report.rows() {
        lines.push(line(row?));
    }
    Ok(lines.join("\r\n") + "\r\n")
}

/// Each metric and its total as Google wrote it; none when the report is empty.
fn totals(report: &Report) -> Result<Vec<(&str, Option<&str>)>, Error> {
    let metrics = report.columns().iter().filter(|c| matches!(c.kind, ColumnKind::Metric(_)));
    metrics.map(|c| Ok((c.name.as_str(), report.total(&c.name)?))).collect()
}

/// A figure as a JSON number; what is none stays text.
fn number(text: &str) -> Value {
    text.parse::<i64>()
        .map(Value::from)
        .or_else(|_| text.parse::<f64>().map(Value::from))
        .unwrap_or_else(|_| text.into())
}

fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // Whoever read has seen enough: `getdata | head`.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(e) => {
            Err(Error::new(ErrorKind::Other, "cannot write to the standard output").with_source(e).into())
        }
        Ok(()) => Ok(()),
    }
}
