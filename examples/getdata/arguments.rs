//! The command line: what it offers, and what it requests.

#![expect(clippy::doc_markdown, reason = "the comments on arguments are the text of --help")]

use crate::filter::{self, Filters};
use crate::{Failure, usage, wrong_value};
use clap::builder::NonEmptyStringValueParser as NonEmpty;
use clap::{Parser, ValueEnum};
use shortway::analytics::{DateRange, OrderBy, RealtimeRequest, Report, ReportRequest};
use shortway::{Error, ErrorKind};
use std::collections::HashSet;
use std::env;
use std::path::PathBuf;

/// The variable that names a key file where `--key` does not.
const VARIABLE: &str = "GOOGLE_APPLICATION_CREDENTIALS";

/// The metrics and the dimensions that are requested where none are given.
const METRICS: &str = "screenPageViews,sessions";
const DIMENSIONS: &str = "pagePath";

/// What is counted where none are given for a realtime report, which has no sessions and no paths.
const REALTIME_METRICS: &str = "screenPageViews";
const REALTIME_DIMENSIONS: &str = "country";

/// What a realtime report has none of.
const DATES: [&str; 2] = ["start", "end"];

/// What a query of v3 says by itself, and other questions.
const V3_HAS: [&str; 10] =
    ["start", "end", "metrics", "dimensions", "order_by", "limit", "filter", "all", "realtime", "instead"];

const ABOUT: &str = "Print what a Google Analytics (GA4) property counted";

const LONG_ABOUT: &str = "\
Print what a Google Analytics (GA4) property counted.

Figures of a property need both a key (--key, or the variable GOOGLE_APPLICATION_CREDENTIALS) and --property.
With --fake the figures are made up: a fake Google on this machine answers. The same holds without any
argument, as long as the variable is not set.";

const AFTER_HELP: &str = "\
NAMES are comma-separated API names. Google lists them at
https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema

A FILTER is a list of conditions such as country==Italy;sessions>10, with ; for and, and with a comma for
or, which binds tighter. == != compare texts without regard to case and numbers, =@ !@ look for a text inside,
=~ !~ for a regular expression, < <= > >= compare numbers. A backslash before a comma or a ; takes it as it
is. Names before < and >, and those in --metrics, are metrics, all others dimensions; a comma joins one kind.

Of a realtime report Google does not say whether it is exact.

With --all the rows have an order without ties: dimensions that --order-by does not name are added to it. csv
and jsonl are written page by page; if a page fails, what is there is not complete, and the exit status is 1.

table: control characters, line breaks and invisible characters are shown as escapes such as \\n, \\u{202e}.
csv:   a text that a spreadsheet would run as a formula (it begins with =, +, -, @, a tab or a line break)
       gets a ' in front; all other text is as it came, control characters included.
json:  columns keep their order, and a metric has one type, the one in its header: whole numbers, or numbers
       with a fraction (7.0). A metric of an unknown type is text in quotes, and so is a cell that is not such
       a number: whole numbers beyond 64 bits, NaN, infinities. The totals of an empty report are null.
jsonl: a line for each row, as in json.

With --v3 the totals are printed as the old scripts did it, a line such as ga:pageviews: 1234 for each metric;
json is v3's whole answer, with rows. What changed since v3 is noted on stderr.

The environment names a key file and a proxy:
GOOGLE_APPLICATION_CREDENTIALS  the key file, where there is no --key
HTTPS_PROXY, else ALL_PROXY     the proxy on the way to Google, as http://[user:password@]host[:port]
NO_PROXY                        hosts that are reached without it: googleapis.com,10.0.0.0/8, or * for all
HTTPS_PROXY, ALL_PROXY and NO_PROXY are read in lower case too.

Data goes to stdout, notes and errors to stderr. Exit status: 0, 1 for a failed query, 2 for wrong usage.";

#[derive(Parser)]
#[command(name = "getdata", version, about = ABOUT, long_about = LONG_ABOUT, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// The service account's JSON key file; by default the one that GOOGLE_APPLICATION_CREDENTIALS names
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// The property's number (Google Analytics: Admin, Property settings, Property details)
    #[arg(long, value_name = "ID", value_parser = NonEmpty::new())]
    property: Option<String>,
    /// Print made-up figures, from a fake Google on this machine
    #[arg(long)]
    fake: bool,
    /// The first day: YYYY-MM-DD, NdaysAgo, yesterday or today
    #[arg(long, value_name = "DAY", default_value = "30daysAgo", value_parser = NonEmpty::new())]
    start: String,
    /// The last day
    #[arg(long, value_name = "DAY", default_value = "yesterday", value_parser = NonEmpty::new())]
    end: String,
    /// What to count: comma-separated [default: screenPageViews,sessions; --realtime: screenPageViews]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    metrics: Option<Vec<String>>,
    /// What to count by: comma-separated; "" for totals alone [default: pagePath; --realtime: country]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    dimensions: Option<Vec<String>>,
    /// What to sort by, with a minus for largest first; by default the first metric, largest first
    #[arg(long, value_name = "[-]NAME", allow_hyphen_values = true)]
    order_by: Option<String>,
    /// How many rows at most, up to 250000
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = limit)]
    limit: u64,
    /// Only what these conditions hold for, such as country==Italy;sessions>10
    #[arg(long, value_name = "FILTER", value_parser = NonEmpty::new())]
    filter: Option<String>,
    /// Print every row, however many there are
    #[arg(long, conflicts_with_all = ["limit", "realtime", "metadata", "check", "quota"])]
    all: bool,
    /// How many pages --all requests at the same time, up to 5
    #[arg(long, value_name = "N", default_value_t = 2, requires = "all", value_parser = parallel)]
    pub(crate) parallel: usize,
    /// Print what happens now: the last 30 minutes
    #[arg(long, conflicts_with_all = DATES)]
    realtime: bool,
    /// Refuse a report whose figures are not exact: sampled, thresholded, rows merged or left out
    #[arg(long, conflicts_with_all = ["metadata", "check", "quota", "realtime"])]
    exact: bool,
    /// List what can be requested, all of it or what has WORD in its name or description
    #[arg(long, value_name = "WORD", num_args = 0..=1, default_missing_value = "", group = "instead")]
    metadata: Option<String>,
    /// Say whether --metrics, --dimensions and --filter fit together
    #[arg(long, group = "instead", conflicts_with = "realtime")]
    check: bool,
    /// Print what is left of the property's quotas
    #[arg(long, group = "instead", conflicts_with = "realtime")]
    quota: bool,
    /// A query as Universal Analytics had it (v3): a URL, its query string, or the call in Python
    #[arg(long, value_name = "QUERY", value_parser = NonEmpty::new(), conflicts_with_all = V3_HAS)]
    pub(crate) v3: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    /// Keep the token in this file, for the next run and other processes; it is made for this user alone
    #[arg(long, value_name = "FILE")]
    pub(crate) store: Option<PathBuf>,
    /// Say whether the token was requested or comes from the file of --store
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Get tokens here instead of at Google: https, or http with a loopback IP address
    #[arg(long, value_name = "URL", value_parser = NonEmpty::new())]
    pub(crate) token_url: Option<String>,
    /// Get reports here instead of at Google: https, or http with a loopback IP address
    #[arg(long, value_name = "URL", value_parser = NonEmpty::new())]
    pub(crate) api_url: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// Totals, then an aligned table
    Table,
    /// One object: totals, rows, rowCount
    Json,
    /// One object for each row
    Jsonl,
    /// A header line, then the rows
    Csv,
}

/// What Analytics is asked.
pub(crate) enum Question {
    Report(ReportRequest),
    All(ReportRequest),
    Realtime(RealtimeRequest),
    /// What can be requested, with this word in it.
    Metadata(String),
    Check,
    Quota,
}

/// Whose figures are requested.
pub(crate) enum Figures<'a> {
    MadeUp,
    /// Those of the property of this id.
    Of(&'a str),
}

impl Arguments {
    /// Made-up figures only where they are requested: a nightly job that loses its key or its variable must
    /// not save them. The crate takes an empty variable for one that is not set, and so does this.
    pub(crate) fn figures(&self) -> Result<Figures<'_>, Failure> {
        let variable = env::var_os(VARIABLE).is_some_and(|value| !value.is_empty());
        let no_arguments = env::args_os().len() <= 1;
        if self.fake {
            return self.only_fake().map(|()| Figures::MadeUp);
        }
        let half = match (&self.property, self.key.is_some(), variable) {
            (None, false, false) if no_arguments => return Ok(Figures::MadeUp),
            (Some(property), true, _) | (Some(property), _, true) => return Ok(Figures::Of(property)),
            (None, true, _) => "--key needs --property, the number of the property".to_owned(),
            (None, false, true) => {
                format!(
                    "{VARIABLE} is set, in place of --key, and needs --property, the number of the property"
                )
            }
            (Some(_), false, false) => {
                format!("--property needs --key, or {VARIABLE} set to the path of a key file")
            }
            (None, false, false) => format!("neither --key (or {VARIABLE}) nor --property is given"),
        };
        Err(wrong(half, "give both, or --fake for made-up figures"))
    }

    /// Refuses what `--fake` has no use for: the run may be meant for Google.
    fn only_fake(&self) -> Result<(), Failure> {
        let given = [
            ("--key", self.key.is_some()),
            ("--property", self.property.is_some()),
            ("--store", self.store.is_some()),
            ("--token-url", self.token_url.is_some()),
            ("--api-url", self.api_url.is_some()),
        ];
        match given.iter().find(|(_, is_given)| *is_given) {
            None => Ok(()),
            Some((option, _)) => Err(wrong(
                format!("--fake and {option} exclude each other: --fake prints made-up figures"),
                &format!("leave out --fake for the figures of a property, or {option} for made-up ones"),
            )),
        }
    }

    pub(crate) fn question(&self) -> Result<Question, Failure> {
        Ok(match &self.metadata {
            Some(word) => Question::Metadata(word.clone()),
            None if self.quota => Question::Quota,
            None if self.check => self.request().map(|_| Question::Check)?,
            None if self.realtime => Question::Realtime(self.realtime_request()?),
            None if self.all => Question::All(self.request()?.limit(0)),
            None => Question::Report(self.request()?),
        })
    }

    /// Refuses a report that is not exact, with `--exact`.
    pub(crate) fn check(&self, report: &Report) -> Result<(), Error> {
        if self.exact { report.require_exact() } else { Ok(()) }
    }

    pub(crate) fn request(&self) -> Result<ReportRequest, Failure> {
        let Asked { metrics, dimensions, by, filters } = self.asked(METRICS, DIMENSIONS)?;
        let mut request = ReportRequest::new()
            .dates(DateRange::new(&self.start, &self.end))
            .metrics(metrics)
            .dimensions(dimensions)
            .order_by(by)
            .limit(self.limit);
        (request.dimension_filter, request.metric_filter) = (filters.dimensions, filters.metrics);
        Ok(request)
    }

    fn realtime_request(&self) -> Result<RealtimeRequest, Failure> {
        let Asked { metrics, dimensions, by, filters } = self.asked(REALTIME_METRICS, REALTIME_DIMENSIONS)?;
        let mut request =
            RealtimeRequest::new().metrics(metrics).dimensions(dimensions).order_by(by).limit(self.limit);
        (request.dimension_filter, request.metric_filter) = (filters.dimensions, filters.metrics);
        Ok(request)
    }

    /// The columns, their order and the filters.
    fn asked(&self, metrics: &str, dimensions: &str) -> Result<Asked, Failure> {
        let given = |given: &Option<Vec<String>>, default: &str| match given {
            Some(list) => names(list),
            None => names(&default.split(',').map(str::to_owned).collect::<Vec<_>>()),
        };
        let defaults = (metrics, dimensions);
        let (metrics, dimensions) = (given(&self.metrics, metrics), given(&self.dimensions, dimensions));
        let Some(first) = metrics.first() else {
            let hint = "give at least one name, such as sessions";
            return Err(wrong("--metrics names nothing to count", hint));
        };
        check_columns(&metrics, &dimensions, defaults)?;
        let by = match &self.order_by {
            Some(order) => order_by(order, &metrics, &dimensions)?,
            None => OrderBy::metric(first).desc(),
        };
        let filters = match &self.filter {
            Some(text) => filter::parse(text, &metrics)
                .map_err(|fault| wrong_value("--filter", &Error::new(ErrorKind::Config, fault)))?,
            None => Filters::default(),
        };
        Ok(Asked { metrics, dimensions, by, filters })
    }
}

struct Asked {
    metrics: Vec<String>,
    dimensions: Vec<String>,
    by: OrderBy,
    filters: Filters,
}

fn names(list: &[String]) -> Vec<String> {
    list.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

/// Refuses a column that is named twice.
fn check_columns(metrics: &[String], dimensions: &[String], defaults: (&str, &str)) -> Result<(), Failure> {
    for (option, names) in [("--metrics", metrics), ("--dimensions", dimensions)] {
        let mut seen = HashSet::new();
        if let Some(name) = names.iter().find(|name| !seen.insert(*name)) {
            return Err(wrong(format!("{option} names {name:?} twice"), "name each column once"));
        }
    }
    let Some(name) = dimensions.iter().find(|name| metrics.contains(name)) else { return Ok(()) };
    let (given, defaulted, default) = match (metrics.join(",").as_str(), dimensions.join(",").as_str()) {
        (found, _) if found == defaults.0 => ("--dimensions", "--metrics", found.to_owned()),
        (_, found) if found == defaults.1 => ("--metrics", "--dimensions", found.to_owned()),
        _ => {
            let message = format!("--metrics and --dimensions both name {name:?}");
            return Err(wrong(message, "name each column once"));
        }
    };
    Err(wrong(
        format!("{given} names {name:?}, and so does {defaulted}, which is {default} by default"),
        &format!("name each column once: leave {name:?} out, or give {defaulted} other names"),
    ))
}

/// How many rows; the API returns 250000 at most.
fn limit(text: &str) -> Result<u64, &'static str> {
    let number = text.parse().ok().filter(|rows| (1..=250_000).contains(rows));
    number.ok_or("give a whole number from 1 to 250000")
}

fn parallel(text: &str) -> Result<usize, &'static str> {
    let number = text.parse().ok().filter(|pages| (1..=5).contains(pages));
    number.ok_or("give a whole number from 1 to 5")
}

fn order_by(order: &str, metrics: &[String], dimensions: &[String]) -> Result<OrderBy, Failure> {
    let (name, is_descending) = match order.trim().strip_prefix('-') {
        Some(name) => (name.trim(), true),
        None => (order.trim(), false),
    };
    let is_among = |names: &[String]| names.iter().any(|n| n == name);
    let by = match name {
        "" => {
            let hint = "name one of --metrics or --dimensions, with a minus for largest first";
            return Err(wrong("--order-by names nothing to sort by", hint));
        }
        _ if is_among(metrics) => OrderBy::metric(name),
        _ if is_among(dimensions) => OrderBy::dimension(name),
        _ => {
            let message = format!("--order-by: {name:?} is neither in --metrics nor in --dimensions");
            return Err(wrong(message, "a report is sorted by what it shows"));
        }
    };
    Ok(if is_descending { by.desc() } else { by })
}

fn wrong(message: impl Into<String>, hint: &str) -> Failure {
    usage(Error::new(ErrorKind::Config, message).with_hint(hint))
}
