//! A fake Google for programs in any language: a token endpoint and an Analytics Data API on this machine.
//!
//! ```text
//! cargo run --example fake_google -- --rows rows.csv --port 8080 --fault 'status:503:2@:runReport'
//! ```
//!
//! It prints where it is and what a client needs as lines `NAME=value`, and runs until a signal ends it.

#![expect(clippy::print_stdout, reason = "a program prints")]

use clap::Parser;
use shortway::Error;
use shortway::testing::{FakeGoogle, FakeQuota, FakeTable, Fault, Matching, TokenRefusal};
use shortway::time::{self, OffsetDateTime};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

const AFTER_HELP: &str = "\
ROWS: a JSON file is the answer of runReport that Google would give. A CSV file has a header in which
`country` is a dimension and `sessions:integer` or `revenue:float` a metric (integer, float, seconds,
milliseconds, minutes, hours, standard, currency, feet, miles, meters, kilometers), and
`customEvent:level:dimension` a dimension with a colon in its name. A column `date` (YYYYMMDD) makes date
ranges work, `minutesAgo` (00 to 29) those of minutes. Rows whose requested metrics are all 0 are left out of
a report, as Google does, unless the request says keepEmptyRows.
Without --rows the columns are date, country, pagePath, sessions:integer, screenPageViews:integer and
purchaseRevenue:currency, with rows for today and each of the 30 days before it (UTC).

FAULT: KIND[*TIMES][@TARGET]. The fault is for the next TIMES requests to TARGET: for one request if there is
no *TIMES, for all of them with *always, and for requests of every kind if there is no @TARGET. TARGET is
`token`, `api` or a part of path and query, such as :runReport. KIND is one of
  status:503        status:429:7 (with Retry-After: 7)      html:502      redirect:https://elsewhere.invalid/
  reset             truncated        wrong-length:-3         drip:10 (ms)  late:2000 (ms)  bomb:100 (MiB)
  refusal:CODE      the first refusal of the token endpoint with this OAuth error code: disabled_client

It prints TOKEN_URL, API_URL, PROPERTY, KEY_FILE and, with --https, CA_FILE, then READY=1. SIGINT, SIGTERM and
SIGHUP end it with status 0, and it removes both files; a program that is killed leaves them there. The key is
no secret: it is the same for everybody, and Google does not know it.";

/// Run a fake Google on this machine: a token endpoint and an Analytics Data API
#[derive(Parser)]
#[command(name = "fake_google", version, after_help = AFTER_HELP)]
struct Arguments {
    /// The rows that the property answers from; by default a small table of the last 30 days
    #[arg(long, value_name = "FILE")]
    rows: Option<PathBuf>,
    /// The number of the property
    #[arg(long, value_name = "ID", default_value_t = 1234)]
    property: u64,
    /// The port of 127.0.0.1; by default one that is free
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Speak https, with a certificate made at the start
    #[arg(long)]
    https: bool,
    /// The folder for the key file and the root certificate; by default that of temporary files
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Play a fault on the next requests; may be given several times
    #[arg(long, value_name = "FAULT")]
    fault: Vec<String>,
    /// Set what is left of the property's tokens for the hour
    #[arg(long, value_name = "TOKENS")]
    tokens_left: Option<i32>,
    /// How many seconds a token lives, up to 43200
    #[arg(long, value_name = "SECONDS", default_value_t = 3599)]
    token_lifetime: u64,
    /// Refuse JWTs that a client has signed itself as bearers
    #[arg(long)]
    without_self_signed: bool,
    /// Let the account act for USER with the scope SCOPE, and for nobody else; may be given several times
    #[arg(long, value_name = "USER=SCOPE")]
    delegate: Vec<String>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            let _ = writeln!(io::stderr(), "error: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let signal = signals()?;
    let google = start(arguments)?;
    for text in &arguments.fault {
        google.fault(parse_fault(text).map_err(|why| format!("--fault {text}: {why}"))?);
    }
    if let Some(left) = arguments.tokens_left {
        google.set_quota(arguments.property, FakeQuota::TokensPerProjectPerHour, left);
    }
    let folder = arguments.folder.clone().unwrap_or_else(std::env::temp_dir);
    let port = google.api_url().rsplit(':').next().map(str::to_owned).unwrap_or_default();
    let mut files = vec![write(&folder, &format!("fake-google-{port}-key.json"), &google.key_json())?];
    if let Some(root) = google.root_certificate() {
        files.push(write(&folder, &format!("fake-google-{port}-ca.pem"), root)?);
    }
    let (token_url, api_url) = (google.token_url(), google.api_url());
    println!("TOKEN_URL={token_url}\nAPI_URL={api_url}\nPROPERTY={}", arguments.property);
    for (name, file) in ["KEY_FILE", "CA_FILE"].iter().zip(&files) {
        println!("{name}={file}");
    }
    println!("READY=1");
    io::stdout().flush().map_err(|e| format!("cannot print: {e}"))?;
    // Until a signal comes; what was asked is forgotten from time to time.
    while signal.recv_timeout(Duration::from_secs(10)) == Err(RecvTimeoutError::Timeout) {
        google.forget_requests();
    }
    for file in files {
        // Somebody may have removed it already.
        let _ = std::fs::remove_file(file);
    }
    Ok(())
}

fn start(arguments: &Arguments) -> Result<FakeGoogle, String> {
    let text = |e: Error| e.to_string();
    if arguments.property == 0 {
        return Err("--property 0: the number of a property is 1 or more".into());
    }
    let lifetime = arguments.token_lifetime;
    if !(1..=43200).contains(&lifetime) {
        return Err(format!("--token-lifetime {lifetime}: a token lives from 1 to 43200 seconds (12 hours)"));
    }
    let table = arguments.rows.as_ref().map_or_else(|| Ok(last_30_days()), |path| read_rows(path))?;
    let mut builder = FakeGoogle::builder()
        .property(arguments.property, table)
        .port(arguments.port)
        .token_lifetime(Duration::from_secs(lifetime));
    if arguments.https {
        builder = builder.https();
    }
    if arguments.without_self_signed {
        builder = builder.without_self_signed();
    }
    for delegate in &arguments.delegate {
        let refused = |why| format!("--delegate {delegate}: {why}; it is USER=SCOPE");
        match delegate.split_once('=').ok_or_else(|| refused("there is no ="))? {
            ("", _) => return Err(refused("there is no user")),
            (_, "") => return Err(refused("there is no scope")),
            (user, scope) => builder = builder.delegation(user, [scope]),
        }
    }
    builder.start().map_err(text)
}

/// What the property has without `--rows`: today and the 30 days before it.
fn last_30_days() -> FakeTable {
    let today = OffsetDateTime::now_utc().date();
    let metrics = ["sessions", "screenPageViews", "purchaseRevenue"];
    let mut table = FakeTable::new(["date", "country", "pagePath"], metrics);
    for ago in 0..=30_u8 {
        let day = today - time::Duration::days(ago.into());
        let date = format!("{:04}{:02}{:02}", day.year(), u8::from(day.month()), day.day());
        let more = f64::from(ago % 7);
        table = table
            .row([&date, "Italy", "/"], [12.0 + more, 30.0 + more, 0.0])
            .row([&date, "Italy", "/about"], [7.0, 7.0, 0.25])
            .row([&date, "Chile", "/"], [3.0, 4.0 + more, 1.5])
            .row([&date, "Japan", "/"], [5.0, 9.0, 0.0]);
    }
    table.metric_type("purchaseRevenue", "TYPE_CURRENCY")
}

fn read_rows(path: &Path) -> Result<FakeTable, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|e| format!("--rows {shown}: {e}"))?;
    let table = match path.extension().and_then(|e| e.to_str()) {
        Some("json") => FakeTable::from_json(&text),
        Some("csv") => FakeTable::from_csv(&text),
        _ => return Err(format!("--rows {shown}: the file must end in .csv or .json")),
    };
    table.map_err(|e| format!("--rows {shown}: {e}"))
}

fn write(folder: &Path, name: &str, text: &str) -> Result<String, String> {
    let path = folder.join(name);
    std::fs::write(&path, text).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
    Ok(path.display().to_string())
}

/// A fault by its text, or what is wrong with it.
fn parse_fault(text: &str) -> Result<Fault, String> {
    let (text, target) = text.split_once('@').map_or((text, None), |(text, target)| (text, Some(target)));
    let (kind, times) = text.split_once('*').unwrap_or((text, "1"));
    let fault = parse_kind(kind)?;
    let fault = match target {
        None => fault,
        Some("") => return Err("there is no target after @".into()),
        Some(target) if target.contains('*') => return Err(format!("write *TIMES before @: {target}")),
        Some("token") => fault.on(Matching::token()),
        Some("api") => fault.on(Matching::api()),
        Some(part) => fault.on(Matching::target(part)),
    };
    match (times, times.parse()) {
        ("always", _) => Ok(fault.always()),
        (_, Ok(times @ 1..)) => Ok(fault.times(times)),
        _ => Err(format!("*{times}: after * comes a number from 1 on, or always")),
    }
}

fn parse_kind(text: &str) -> Result<Fault, String> {
    let (kind, value) = text.split_once(':').map_or((text, None), |(kind, value)| (kind, Some(value)));
    let milliseconds = || Ok::<_, String>(Duration::from_millis(number(value, kind, "10", "milliseconds")?));
    match kind {
        "status" => match value.and_then(|value| value.split_once(':')) {
            None => Ok(Fault::status(status(kind, value)?)),
            Some((code, wait)) if wait.parse::<u32>().is_ok() => {
                Ok(Fault::status(status(kind, Some(code))?).header("Retry-After", wait))
            }
            Some((_, wait)) => Err(format!("{wait} is no number of seconds for Retry-After")),
        },
        "html" => Ok(Fault::html(status(kind, value)?)),
        "redirect" => match value.filter(|url| url.starts_with("https://") || url.starts_with("http://")) {
            Some(url) => Ok(Fault::redirect(url)),
            None => Err("redirect needs a URL: redirect:https://elsewhere.invalid/".into()),
        },
        "reset" | "truncated" if value.is_some() => Err(format!("{kind} has no value")),
        "reset" => Ok(Fault::reset()),
        "truncated" => Ok(Fault::truncated()),
        "wrong-length" => match value.and_then(|by| by.parse().ok()).filter(|by| *by != 0) {
            Some(by) => Ok(Fault::wrong_length(by)),
            None => Err("wrong-length needs a number of bytes that is not 0: wrong-length:-3".into()),
        },
        "drip" => Ok(Fault::drip(milliseconds()?)),
        "late" => Ok(Fault::late(milliseconds()?)),
        "bomb" => bomb(number(value, kind, "100", "MiB")?),
        "refusal" => refusal(value.unwrap_or_default()),
        _ => Err(format!(
            "{kind} is no kind of fault; the kinds are status, html, redirect, reset, truncated, wrong-length, \
             drip, late, bomb and refusal"
        )),
    }
}

fn status(kind: &str, value: Option<&str>) -> Result<u16, String> {
    let status = value.and_then(|value| value.parse().ok()).filter(|status| (200..600).contains(status));
    status.ok_or_else(|| format!("{kind} needs a status from 200 to 599: {kind}:503"))
}

fn number(value: Option<&str>, kind: &str, example: &str, unit: &str) -> Result<u64, String> {
    let number = value.and_then(|value| value.parse::<u32>().ok()).filter(|number| *number > 0);
    number
        .map(u64::from)
        .ok_or_else(|| format!("{kind} needs a number of {unit} from 1 on: {kind}:{example}"))
}

#[cfg(feature = "gzip")]
fn bomb(mebibytes: u64) -> Result<Fault, String> {
    usize::try_from(mebibytes).map(Fault::bomb).map_err(|_| "bomb is too large for this machine".into())
}

#[cfg(not(feature = "gzip"))]
fn bomb(_: u64) -> Result<Fault, String> {
    Err("bomb needs the feature gzip".into())
}

fn refusal(code: &str) -> Result<Fault, String> {
    match TokenRefusal::ALL.into_iter().find(|refusal| refusal.words().1 == code) {
        Some(refusal) => Ok(Fault::token_refusal(refusal)),
        None => {
            let mut codes = TokenRefusal::ALL.map(|refusal| refusal.words().1).to_vec();
            codes.dedup();
            Err(format!("refusal needs an OAuth error code of these: {}", codes.join(", ")))
        }
    }
}

/// The signals that end the program, from now on.
fn signals() -> Result<Receiver<()>, String> {
    let (sender, signal) = mpsc::channel();
    let handler = move || {
        let _ = sender.send(());
    };
    ctrlc::set_handler(handler).map_err(|e| format!("cannot wait for signals: {e}"))?;
    Ok(signal)
}
