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
ranges work, `minutesAgo` (00 to 29) those of minutes.

FAULT: KIND[*TIMES|*always][@TARGET]; once and for every request by default. TARGET is `token`, `api` or a
part of path and query, such as :runReport. KIND is one of
  status:503        status:429:7 (with Retry-After: 7)      html:502      redirect:https://elsewhere.invalid/
  reset             truncated        wrong-length:-3         drip:10 (ms)  late:2000 (ms)  bomb:100 (MiB)
  refusal:CODE      the first refusal of the token endpoint with this OAuth error code: disabled_client

It prints TOKEN_URL, API_URL, PROPERTY, KEY_FILE and, with --https, CA_FILE, then READY=1. SIGINT, SIGTERM and
SIGHUP end it with status 0.";

/// Run a fake Google on this machine: a token endpoint and an Analytics Data API
#[derive(Parser)]
#[command(name = "fake_google", version, after_help = AFTER_HELP)]
struct Arguments {
    /// The rows that the property answers from; by default a small table
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
    /// How many seconds a token lives
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
    for fault in &arguments.fault {
        google
            .fault(parse_fault(fault).ok_or_else(|| format!("--fault {fault}: no such fault; see --help"))?);
    }
    if let Some(left) = arguments.tokens_left {
        google.set_quota(arguments.property, FakeQuota::TokensPerProjectPerHour, left);
    }
    let folder = arguments.folder.clone().unwrap_or_else(std::env::temp_dir);
    let port = google.api_url().rsplit(':').next().map(str::to_owned).unwrap_or_default();
    let key_file = write(&folder, &format!("fake-google-{port}-key.json"), &google.key_json())?;
    let mut lines = vec![
        ("TOKEN_URL", google.token_url()),
        ("API_URL", google.api_url()),
        ("PROPERTY", arguments.property.to_string()),
        ("KEY_FILE", key_file),
    ];
    if let Some(root) = google.root_certificate() {
        lines.push(("CA_FILE", write(&folder, &format!("fake-google-{port}-ca.pem"), root)?));
    }
    lines.push(("READY", "1".into()));
    for (name, value) in lines {
        println!("{name}={value}");
    }
    io::stdout().flush().map_err(|e| format!("cannot print: {e}"))?;
    // Until a signal comes; what was asked is forgotten from time to time.
    while signal.recv_timeout(Duration::from_secs(10)) == Err(RecvTimeoutError::Timeout) {
        google.forget_requests();
    }
    Ok(())
}

fn start(arguments: &Arguments) -> Result<FakeGoogle, String> {
    let text = |e: Error| e.to_string();
    let table = match &arguments.rows {
        Some(path) => read_rows(path)?,
        None => FakeTable::from_csv(ROWS).map_err(text)?,
    };
    let mut builder = FakeGoogle::builder()
        .property(arguments.property, table)
        .port(arguments.port)
        .token_lifetime(Duration::from_secs(arguments.token_lifetime));
    if arguments.https {
        builder = builder.https();
    }
    if arguments.without_self_signed {
        builder = builder.without_self_signed();
    }
    for delegate in &arguments.delegate {
        let no_scope = || format!("--delegate {delegate}: it is USER=SCOPE");
        let (user, scope) = delegate.split_once('=').ok_or_else(no_scope)?;
        builder = builder.delegation(user, [scope]);
    }
    builder.start().map_err(text)
}

/// What the property has without `--rows`.
const ROWS: &str = "\
date,country,pagePath,sessions:integer,screenPageViews:integer,purchaseRevenue:currency
20260101,Italy,/,12,30,0
20260101,Chile,/,3,4,1.5
20260102,Italy,/about,7,7,0.25
20260102,Japan,/,5,9,0
";

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

fn parse_fault(text: &str) -> Option<Fault> {
    let (text, target) = text.split_once('@').unwrap_or((text, ""));
    let (kind, times) = text.split_once('*').unwrap_or((text, "1"));
    let mut words = kind.splitn(3, ':');
    let (kind, value, more) = (words.next()?, words.next(), words.next());
    let number = || value?.parse::<u64>().ok();
    let status = || value?.parse::<u16>().ok().filter(|status| (200..600).contains(status));
    let fault = match (kind, more) {
        ("status", None) => Fault::status(status()?),
        ("status", Some(wait)) => Fault::status(status()?).header("Retry-After", wait),
        ("redirect", more) => Fault::redirect([value?, more?].join(":")),
        ("html", None) => Fault::html(status()?),
        ("reset", None) => Fault::reset(),
        ("truncated", None) => Fault::truncated(),
        ("wrong-length", None) => Fault::wrong_length(value?.parse().ok()?),
        ("drip", None) => Fault::drip(Duration::from_millis(number()?)),
        ("late", None) => Fault::late(Duration::from_millis(number()?)),
        #[cfg(feature = "gzip")]
        ("bomb", None) => Fault::bomb(usize::try_from(number()?).ok()?),
        ("refusal", None) => {
            Fault::token_refusal(TokenRefusal::ALL.into_iter().find(|r| Some(r.words().1) == value)?)
        }
        _ => return None,
    };
    let fault = match target {
        "" => fault,
        "token" => fault.on(Matching::token()),
        "api" => fault.on(Matching::api()),
        part => fault.on(Matching::target(part)),
    };
    match times {
        "always" => Some(fault.always()),
        times => Some(fault.times(times.parse().ok()?)),
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
