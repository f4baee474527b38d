//! `nightly demo`: 60 days from a fake Google on this machine into a folder, and a page of them.

use crate::config::Config;
use crate::run::{self, Options};
use crate::sink::{self, Use};
use crate::{chart, plan};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use shortway::testing::{FakeGoogle, FakeTable, THROW_AWAY_KEY_JSON};
use shortway::{Error, ErrorKind};
use std::fs;
use std::path::Path;

const DAYS: i32 = 60;

/// The sites: a name, the property, and how many visits its page has on a common day.
const SITES: [(&str, u64, f64); 2] = [("blog", 1, 120.0), ("shop", 2, 340.0)];

/// Fills `folder`, which is made, and names the page in it.
///
/// # Errors
/// When the folder cannot be written; and the faults of a run.
pub(crate) fn demo(folder: &Path, now: Timestamp) -> Result<(), Error> {
    let last = plan::yesterday(now, "Etc/UTC")?;
    let first = last.saturating_sub((DAYS - 1).days());
    let google = SITES.iter().fold(FakeGoogle::builder(), |google, (_, property, visits)| {
        google.property(*property, table(first, last, *visits))
    });
    let google = google.start()?;
    let file = folder.join("nightly.toml");
    let write = || {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("key.json"), THROW_AWAY_KEY_JSON)?;
        fs::write(&file, configuration(&google, first))
    };
    write().map_err(|error| cannot(format!("write to {}: {error}", folder.display())))?;
    let config = Config::load(&file).map_err(|faults| cannot(faults.join("; ")))?;
    let sink = sink::open(&config.database, Use::Writing)?;
    let options = Options { since: Some(first), dry_run: false, jobs: 1, now };
    if !run::run(&config, &options, sink) {
        return Err(cannot("download every site".to_owned()));
    }
    let page = folder.join("page.html");
    chart::chart(&config, &mut *sink::open(&config.database, Use::Reading)?, &page)?;
    eprintln!("these figures are made up: they come from a fake Google on this machine");
    eprintln!("the configuration is {}, the page is {}", file.display(), page.display());
    Ok(())
}

fn cannot(what: String) -> Error {
    Error::new(ErrorKind::Other, format!("the demo cannot {what}"))
}

fn configuration(google: &FakeGoogle, first: Date) -> String {
    let sites: String = SITES
        .iter()
        .map(|(name, property, _)| format!("\n[[site]]\nname = \"{name}\"\nproperty = {property}\n"))
        .collect();
    format!(
        "database = \"nightly.sqlite\"\nkey = \"key.json\"\nsince = {first}\n\
         # The fake Google of the demo, gone by now; leave these two out to ask Google.\n\
         api_url = \"{}\"\ntoken_url = \"{}\"\n\n\
         [[report]]\nname = \"pages\"\ndimensions = [\"pagePath\", \"country\"]\n\
         metrics = [\"screenPageViews\", \"sessions\"]\n{sites}",
        google.api_url(),
        google.token_url()
    )
}

/// Rows with a week's rhythm, a slow growth, and some chance that is the same every time.
fn table(first: Date, last: Date, visits: f64) -> FakeTable {
    let pages = [("/", 1.0), ("/articles/tokens", 0.6), ("/articles/clocks", 0.35), ("/about", 0.1)];
    let countries = [("Italy", 1.0), ("Chile", 0.4), ("Kenya", 0.25)];
    let mut table = FakeTable::new(["date", "pagePath", "country"], ["screenPageViews", "sessions"]);
    for (number, day) in (0_u32..).zip(first.series(1.day()).take_while(|day| *day <= last)) {
        let weekend = day.weekday().to_monday_zero_offset() >= 5;
        let common = visits * (1.0 + f64::from(number) / 150.0) * if weekend { 0.55 } else { 1.0 };
        for (p, (page, share)) in (0_u32..).zip(pages) {
            for (c, (country, part)) in (0_u32..).zip(countries) {
                let chance = f64::from((number * 37 + p * 101 + c * 53) % 23) / 23.0 + 0.5;
                let sessions = (common * share * part * chance / 4.0).ceil();
                let date = day.strftime("%Y%m%d").to_string();
                table = table.row([date.as_str(), page, country], [(sessions * 1.7).round(), sessions]);
            }
        }
    }
    table
}
