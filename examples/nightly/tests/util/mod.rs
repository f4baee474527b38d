//! A folder with a configuration, a fake Google, and `nightly` as a process of its own.

#![allow(dead_code, reason = "each test program uses a part")]

use rusqlite::Connection;
use shortway::testing::{FakeGoogle, FakeTable, THROW_AWAY_KEY_JSON};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// The time that the tests go by: 2026-03-10 is the last whole day in UTC.
pub const NOW: &str = "2026-03-11T12:00:00Z";

/// A row of the table `pages`: site, date, page, country, views, seconds.
pub type Row = (String, String, String, String, i64, f64);

/// What a property counted on the days of March: so many rows a day, figures by `seed`.
pub fn figures(days: impl IntoIterator<Item = u32>, rows: u32, seed: u32) -> Vec<Row> {
    let mut figures = Vec::new();
    for day in days {
        for n in 0..rows {
            let page = format!("/page/{n:03}");
            let country = ["Chile", "Italy"][n as usize % 2].to_owned();
            let views = i64::from(1 + (day * 31 + n * 17 + seed * 7) % 1000);
            let seconds = views as f64 * 1.5 + 0.25;
            figures.push((String::new(), format!("2026-03-{day:02}"), page, country, views, seconds));
        }
    }
    figures
}

pub fn table(figures: &[Row]) -> FakeTable {
    let table =
        FakeTable::new(["date", "pagePath", "country"], ["screenPageViews", "userEngagementDuration"]);
    figures.iter().fold(table, |table, (_, date, page, country, views, seconds)| {
        table.row([date.replace('-', ""), page.clone(), country.clone()], [*views as f64, *seconds])
    })
}

/// The same rows as they are stored for these sites, in their order.
pub fn of_sites(figures: &[Row], sites: &[&str]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for site in sites {
        rows.extend(
            figures.iter().cloned().map(|row| ((*site).to_owned(), row.1, row.2, row.3, row.4, row.5)),
        );
    }
    rows.sort_by(|a, b| a.partial_cmp(b).unwrap());
    rows
}

pub struct Lab {
    pub folder: TempDir,
    pub google: FakeGoogle,
    /// What the configuration says of the database.
    pub database: String,
}

impl Lab {
    /// Properties 1 and 2 with these figures; a configuration of the site `blog`, property 1, and the report
    /// `pages`, into SQLite.
    pub fn new(figures: &[Row]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("key.json"), THROW_AWAY_KEY_JSON).unwrap();
        let lab = Self { folder, google: google(figures), database: "nightly.sqlite".to_owned() };
        lab.configure("");
        lab
    }

    /// Another fake Google takes over.
    pub fn figures_become(&mut self, figures: &[Row]) {
        self.google = google(figures);
        self.configure("");
    }

    /// Writes the configuration with more lines at the top.
    pub fn configure(&self, top: &str) {
        self.write_config(top, "[[site]]\nname = \"blog\"\nproperty = 1\n");
    }

    pub fn write_config(&self, top: &str, sites: &str) {
        let reports = "[[report]]\nname = \"pages\"\ndimensions = [\"pagePath\", \"country\"]\n\
                       metrics = [\"screenPageViews\", \"userEngagementDuration\"]\n";
        self.write_config_of(top, reports, sites);
    }

    pub fn write_config_of(&self, top: &str, reports: &str, sites: &str) {
        let (api, token) = (self.google.api_url(), self.google.token_url());
        let text = format!(
            "database = \"{}\"\nkey = \"key.json\"\nsince = 2026-03-01\nlook_back = 3\napi_url = \"{api}\"\n\
             token_url = \"{token}\"\n{top}\n{reports}\n{sites}",
            self.database
        );
        fs::write(self.config(), text).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn config(&self) -> PathBuf {
        self.path("nightly.toml")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nightly"));
        command.arg("--config").arg(self.config()).args(["--now", NOW]).args(arguments);
        command.stdin(Stdio::null());
        command
    }

    pub fn nightly(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    pub fn sqlite(&self) -> Connection {
        Connection::open(self.path("nightly.sqlite")).unwrap()
    }

    /// The rows of the table `pages` in SQLite, in the order of [`of_sites`].
    pub fn stored(&self) -> Vec<Row> {
        stored(&self.sqlite())
    }

    /// How many days were requested, and the first and the last of them.
    pub fn days_asked(&self) -> Vec<String> {
        let mut days = Vec::new();
        for body in self.google.reports_asked() {
            let requests = body["requests"].as_array().cloned().unwrap_or_else(|| vec![body]);
            let dates = requests.iter().map(|request| &request["dateRanges"][0]["startDate"]);
            days.extend(dates.filter_map(|date| date.as_str()).map(str::to_owned));
        }
        days.retain(|day| day != "yesterday");
        days
    }
}

fn google(figures: &[Row]) -> FakeGoogle {
    FakeGoogle::builder().property(1, table(figures)).property(2, table(figures)).start().unwrap()
}

pub fn stored(db: &Connection) -> Vec<Row> {
    let columns = "site, date, pagePath, country, screenPageViews, userEngagementDuration";
    let mut select = db.prepare(&format!("SELECT {columns} FROM pages ORDER BY 1, 2, 3, 4")).unwrap();
    let row = |row: &rusqlite::Row<'_>| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
    };
    select.query_map([], row).unwrap().collect::<Result<_, _>>().unwrap()
}

/// What a process printed, and its exit status.
#[derive(Debug, PartialEq)]
pub struct Ran {
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Ran {
    /// Asserts the exit status, nothing on stdout, and these lines on stderr.
    #[track_caller]
    pub fn is(&self, status: i32, lines: &[&str]) {
        assert_eq!((self.status, self.out.as_str()), (Some(status), ""), "{}", self.err);
        assert_eq!(self.err.lines().collect::<Vec<_>>(), lines);
    }
}
