//! The configuration: a TOML file that lists reports and sites, checked as a whole before anything is sent.
//!
//! In: the file. Out: a [`Config`], or one line for each fault, with the line of the file and a suggestion.

mod filter;
mod reader;

use filter::Test;
use jiff::civil::Date;
use reader::{Found, Reader, Section, suggestion};
use shortway::ServiceAccountKey;
use shortway::analytics::{OrderBy, PropertyId, ReportRequest};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::de::DeTable;

/// How many of the last days are downloaded again: 4. Google changes figures for up to three days, in some
/// reports for longer.
const LOOK_BACK: u32 = 4;

/// How many rows one request brings: 50,000. Five requests are in memory at the same time.
const ROWS_PER_REQUEST: u32 = 50_000;

/// The file of tokens, beside the configuration.
const TOKENS: &str = "tokens.json";

/// The most rows that Google gives in one answer.
const MOST_ROWS: u32 = 250_000;

const KEYS: &[&str] = &[
    "database",
    "tokens",
    "since",
    "look_back",
    "quota_floor",
    "rows_per_request",
    "key",
    "api_url",
    "token_url",
    "report",
    "site",
];
const REPORT_KEYS: &[&str] = &["name", "dimensions", "metrics", "filter"];
const SITE_KEYS: &[&str] = &["name", "property", "key", "since", "reports"];

pub(crate) struct Config {
    pub(crate) database: Database,
    /// See [`LOOK_BACK`].
    pub(crate) look_back: u32,
    /// So many tokens of a property's quota are left to other programs.
    pub(crate) quota_floor: u32,
    /// See [`ROWS_PER_REQUEST`].
    pub(crate) rows_per_request: u32,
    /// Asked instead of Google: a proxy, a fake.
    pub(crate) api_url: Option<String>,
    pub(crate) token_url: Option<String>,
    /// Where tokens are kept until they expire.
    pub(crate) tokens: PathBuf,
    pub(crate) sites: Vec<Site>,
}

/// Where rows are stored.
pub(crate) enum Database {
    Sqlite(PathBuf),
    /// The URL; it may hold a password.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "read, to be refused by name"))]
    Postgres(String),
    #[cfg_attr(not(feature = "parquet"), expect(dead_code, reason = "read, to be refused by name"))]
    Parquet(PathBuf),
}

/// A property under a name of the user's.
pub(crate) struct Site {
    pub(crate) name: String,
    pub(crate) property: PropertyId,
    pub(crate) key: ServiceAccountKey,
    /// Where the key comes from: sites with one file share a client.
    pub(crate) key_file: PathBuf,
    pub(crate) since: Option<Date>,
    pub(crate) reports: Vec<Arc<Definition>>,
}

/// What a report asks for, under a name that is also that of its table.
pub(crate) struct Definition {
    pub(crate) name: String,
    /// The request but for its dates and its limit.
    pub(crate) request: ReportRequest,
    /// JSON of what the report is: days under another definition are downloaded again.
    pub(crate) text: String,
}

impl Config {
    /// Reads the file and the keys that it names; paths in it are relative to its folder.
    pub(crate) fn load(path: &Path) -> Result<Self, Vec<String>> {
        let file = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| {
            vec![format!(
                "{file}: cannot be read: {error}; name the file with --config, see `nightly --help`"
            )]
        })?;
        let table = DeTable::parse(&text).map_err(|error| {
            let line = 1 + error.span().map_or(0, |span| text[..span.start].matches('\n').count());
            vec![format!("{file}:{line}: this is not TOML: {}", error.message().replace('\n', ", "))]
        })?;
        let mut loading = Loading {
            read: Reader::new(&file, &text),
            folder: path.parent().unwrap_or(Path::new("")),
            keys: HashMap::new(),
        };
        let config = loading.config(Section::whole(&table));
        let faults = loading.read.finish();
        config.filter(|_| faults.is_empty()).ok_or(faults)
    }
}

struct Loading<'t> {
    read: Reader<'t>,
    folder: &'t Path,
    keys: HashMap<PathBuf, Result<ServiceAccountKey, String>>,
}

impl<'t> Loading<'t> {
    fn config(&mut self, root: Section<'t>) -> Option<Config> {
        self.read.known(&root, KEYS);
        let database = self.read.required(&root, "database").and_then(|found| self.database(&found));
        let since = self.read.day(&root, "since");
        let rows_per_request = self.rows_per_request(&root);
        let reports = self.reports(&root);
        let sites = self.sites(&root, &reports);
        Some(Config {
            database: database?,
            look_back: self.read.number(&root, "look_back").map_or(LOOK_BACK, |found| found.value),
            quota_floor: self.read.number(&root, "quota_floor").map_or(0, |found| found.value),
            rows_per_request,
            api_url: self.read.text(&root, "api_url").map(|found| found.value.to_owned()),
            token_url: self.read.text(&root, "token_url").map(|found| found.value.to_owned()),
            tokens: self.folder.join(self.read.text(&root, "tokens").map_or(TOKENS, |found| found.value)),
            sites: sites.into_iter().map(|site| Site { since: site.since.or(since), ..site }).collect(),
        })
    }

    fn database(&mut self, found: &Found<&str>) -> Option<Database> {
        let text = found.value;
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Some(Database::Postgres(text.to_owned()));
        }
        if text.contains("://") {
            let words = "this kind of database is not known; use a file, parquet:FOLDER or postgres://…";
            self.read.fault(found.at, words);
            return None;
        }
        Some(match text.strip_prefix("parquet:") {
            Some(folder) => Database::Parquet(self.folder.join(folder)),
            None => Database::Sqlite(self.folder.join(text)),
        })
    }

    fn rows_per_request(&mut self, root: &Section<'t>) -> u32 {
        let Some(rows) = self.read.number(root, "rows_per_request") else { return ROWS_PER_REQUEST };
        if !(1..=MOST_ROWS).contains(&rows.value) {
            let words =
                format!("`rows_per_request` is not from 1 to {MOST_ROWS}, the most that Google gives");
            self.read.fault(rows.at, words);
        }
        rows.value
    }

    fn reports(&mut self, root: &Section<'t>) -> Vec<Arc<Definition>> {
        let sections = self.read.sections(root, "report", "[[report]]");
        if sections.is_empty() {
            self.read.fault(0, "there is no report; add a section [[report]] with a name and metrics");
        }
        let mut seen = Vec::new();
        sections.iter().filter_map(|section| self.report(section, &mut seen)).collect()
    }

    fn report(&mut self, section: &Section<'t>, seen: &mut Vec<String>) -> Option<Arc<Definition>> {
        self.read.known(section, REPORT_KEYS);
        let name = self.name(section, seen);
        let dimensions = owned(self.read.texts(section, "dimensions"));
        let metrics = owned(self.read.texts(section, "metrics"));
        if metrics.is_empty() {
            self.read.fault(section.at(), "[[report]] has no metrics; add metrics = [\"sessions\"]");
        }
        self.columns(section, &dimensions, &metrics);
        let tests = self.read.texts(section, "filter");
        let definition = serde_json::json!({
            "dimensions": dimensions, "metrics": metrics,
            "filter": tests.iter().map(|test| test.value).collect::<Vec<_>>(),
        });
        let request = self.request(dimensions, metrics, tests);
        if let Err(error) = request.effective() {
            self.read.fault(section.at(), error.to_string());
        }
        Some(Arc::new(Definition { name: name?, request, text: definition.to_string() }))
    }

    fn request(
        &mut self,
        dimensions: Vec<String>,
        metrics: Vec<String>,
        tests: Vec<Found<&str>>,
    ) -> ReportRequest {
        // Pages of a report need an order in which no two rows are equal.
        let orders: Vec<OrderBy> = dimensions.iter().map(OrderBy::dimension).collect();
        let request = ReportRequest::new().dimensions(dimensions).metrics(metrics.clone());
        let mut request = orders.into_iter().fold(request, ReportRequest::order_by);
        for test in tests {
            request = match filter::read(test.value, &metrics) {
                Ok(Test::Dimension(test)) => request.dimension_filter(test),
                Ok(Test::Metric(test)) => request.metric_filter(test),
                Err(words) => {
                    self.read.fault(test.at, words);
                    request
                }
            };
        }
        request
    }

    /// Names of columns that a database could not have beside each other.
    fn columns(&mut self, section: &Section<'t>, dimensions: &[String], metrics: &[String]) {
        if dimensions.iter().any(|dimension| dimension == "date") {
            let words =
                "`date` is not a dimension here: each row has its day in the column `date`; remove it";
            self.read.fault(section.at(), words);
        }
        let names: Vec<&String> = dimensions.iter().chain(metrics).collect();
        for (place, name) in names.iter().enumerate() {
            let twin = names[..place].iter().find(|other| *other != name && other.eq_ignore_ascii_case(name));
            if let Some(twin) = twin {
                let words = "differ in nothing but case; a database takes them for one";
                self.read.fault(section.at(), format!("the columns `{twin}` and `{name}` {words}"));
            }
        }
    }

    fn sites(&mut self, root: &Section<'t>, reports: &[Arc<Definition>]) -> Vec<Site> {
        let sections = self.read.sections(root, "site", "[[site]]");
        if sections.is_empty() {
            self.read.fault(0, "there is no site; add a section [[site]] with a name and a property");
        }
        let common_key = self.read.text(root, "key");
        let mut seen = Vec::new();
        let site = |section| self.site(section, common_key.as_ref(), reports, &mut seen);
        sections.iter().filter_map(site).collect()
    }

    fn site(
        &mut self,
        section: &Section<'t>,
        common_key: Option<&Found<&'t str>>,
        reports: &[Arc<Definition>],
        seen: &mut Vec<String>,
    ) -> Option<Site> {
        self.read.known(section, SITE_KEYS);
        let name = self.name(section, seen);
        let property = self.read.number_or_text(section, "property").and_then(|found| {
            found.value.parse().map_err(|error| self.read.fault(found.at, format!("{error}"))).ok()
        });
        let own_key = self.read.text(section, "key");
        let key = own_key.as_ref().or(common_key);
        if key.is_none() {
            let words = "[[site]] has no `key`; add key = \"key.json\" here, or at the top for all sites";
            self.read.fault(section.at(), words);
        }
        let (key_file, key) = key.map(|found| self.key(found)).unzip();
        let since = self.read.day(section, "since");
        let reports = self.chosen(section, reports);
        Some(Site { name: name?, property: property?, key: key??, key_file: key_file?, since, reports })
    }

    /// The reports of a site: those that it names, or all.
    fn chosen(&mut self, section: &Section<'t>, reports: &[Arc<Definition>]) -> Vec<Arc<Definition>> {
        let mut chosen: Vec<Arc<Definition>> = Vec::new();
        for wanted in self.read.texts(section, "reports") {
            let names: Vec<&str> = reports.iter().map(|report| report.name.as_str()).collect();
            match reports.iter().find(|report| report.name == wanted.value) {
                Some(report) if chosen.iter().any(|other| other.name == report.name) => {
                    self.read.fault(wanted.at, format!("the report `{}` stands here twice", wanted.value));
                }
                Some(report) => chosen.push(Arc::clone(report)),
                None => {
                    let suggestion = suggestion(wanted.value, &names);
                    self.read
                        .fault(wanted.at, format!("there is no report `{}`; {suggestion}", wanted.value));
                }
            }
        }
        if chosen.is_empty() { reports.to_vec() } else { chosen }
    }

    /// The name of a section: that of a table or a folder too, and unlike those before it.
    fn name(&mut self, section: &Section<'t>, seen: &mut Vec<String>) -> Option<String> {
        let found = self.read.required(section, "name")?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        let name = found.value;
        if !name.chars().all(plain)
            || !name.starts_with(|c: char| c.is_ascii_alphanumeric())
            || name.len() > 50
        {
            let words =
                "is not a name: use up to 50 letters, digits, `_`, `-` and `.`, a letter or digit first";
            self.read.fault(found.at, format!("`{name}` {words}"));
        } else if name == "runs" || name.starts_with("sqlite_") {
            self.read.fault(found.at, format!("the name `{name}` is taken by the database; choose another"));
        } else if seen.iter().any(|other| other.eq_ignore_ascii_case(name)) {
            self.read.fault(found.at, format!("the name `{name}` is used above already; choose another"));
        }
        seen.push(name.to_owned());
        Some(name.to_owned())
    }

    /// A key file, read once however many sites name it.
    fn key(&mut self, found: &Found<&'t str>) -> (PathBuf, Option<ServiceAccountKey>) {
        let path = self.folder.join(found.value);
        let load = || ServiceAccountKey::from_file(&path).map_err(|error| error.to_string());
        let first = !self.keys.contains_key(&path);
        let key = self.keys.entry(path.clone()).or_insert_with(load).clone();
        match key {
            Ok(key) => (path, Some(key)),
            Err(words) => {
                if first {
                    self.read.fault(found.at, words);
                }
                (path, None)
            }
        }
    }
}

fn owned(found: Vec<Found<&str>>) -> Vec<String> {
    found.into_iter().map(|found| found.value.to_owned()).collect()
}
