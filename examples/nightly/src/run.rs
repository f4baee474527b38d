//! A night: every site, several at the same time, each day downloaded and stored before the next ones.

use crate::config::{Config, Definition, Site};
use crate::day::Day;
use crate::fetch;
use crate::plan::{self, Wanted};
use crate::progress::Progress;
use crate::sink::Sink;
use jiff::Timestamp;
use jiff::civil::Date;
use shortway::analytics::{Analytics, Property};
use shortway::{Error, ErrorKind, FileStore, scope};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// What the command line says about a run.
pub(crate) struct Options {
    pub(crate) since: Option<Date>,
    pub(crate) dry_run: bool,
    pub(crate) jobs: usize,
    pub(crate) now: Timestamp,
}

/// Downloads what is missing; whether every site is complete.
pub(crate) fn run(config: &Config, options: &Options, sink: Box<dyn Sink>) -> bool {
    let night = Night {
        config,
        options,
        sink: Mutex::new(sink),
        progress: Progress::new(),
        clients: clients(config, options),
    };
    let (next, complete) = (AtomicUsize::new(0), AtomicBool::new(true));
    thread::scope(|scope| {
        for _ in 0..options.jobs.min(config.sites.len()) {
            scope.spawn(|| {
                while let Some(site) = config.sites.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if !night.site(site) {
                        complete.store(false, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    complete.into_inner()
}

type Clients = HashMap<PathBuf, Result<Analytics, Error>>;

/// A client for each key file: sites with one key share its token and what is known of quotas.
fn clients(config: &Config, options: &Options) -> Clients {
    config.sites.iter().map(|site| (site.key_file.clone(), client(config, options, site))).collect()
}

fn client(config: &Config, options: &Options, site: &Site) -> Result<Analytics, Error> {
    let mut tokens = shortway::service_account(site.key.clone(), [scope::ANALYTICS_READONLY]);
    if let Some(url) = &config.token_url {
        tokens = tokens.token_endpoint(url);
    }
    if !options.dry_run {
        tokens = tokens.store(FileStore::at(&config.tokens)?);
    }
    let analytics = Analytics::new(tokens.build()?).with_quota_floor(config.quota_floor);
    match &config.api_url {
        Some(url) => analytics.with_endpoint(url),
        None => Ok(analytics),
    }
}

struct Night<'n> {
    config: &'n Config,
    options: &'n Options,
    sink: Mutex<Box<dyn Sink>>,
    progress: Progress,
    clients: Clients,
}

/// What is downloaded of one report.
struct Task<'t> {
    definition: &'t Definition,
    days: Vec<Date>,
}

impl Night<'_> {
    /// Downloads a site; whether it is complete. Its faults are told, and hinder no other site.
    fn site(&self, site: &Site) -> bool {
        let property = match self.clients.get(&site.key_file) {
            Some(Ok(client)) => client.property(site.property),
            Some(Err(error)) => return self.failed(&site.name, error),
            None => return false,
        };
        match self.plan(site, &property) {
            Ok(tasks) if self.options.dry_run => {
                tasks.iter().for_each(|task| println!("{}", planned(site, task)));
                true
            }
            Ok(tasks) => self.download(site, &property, &tasks),
            Err(error) => self.failed(&site.name, &error),
        }
    }

    /// Tells of a failure; an exhausted quota is none that a person has to look at.
    fn failed(&self, what: &str, error: &Error) -> bool {
        self.progress.say(match error.kind() {
            ErrorKind::Quota => format!("note: {what}: stops here, the next run goes on: {error}"),
            _ => format!("error: {what}: {error}"),
        });
        false
    }

    fn plan<'s>(&self, site: &'s Site, property: &Property) -> Result<Vec<Task<'s>>, Error> {
        let Some(first) = site.reports.first() else { return Ok(Vec::new()) };
        let zone = fetch::time_zone(property, &first.request)?;
        let yesterday = plan::yesterday(self.options.now, &zone)?;
        let task = |definition: &'s Arc<Definition>| {
            let stored = self.sink().days(&site.name, &definition.name)?;
            let stored = stored.into_iter().map(|(day, record)| (day, record.definition)).collect();
            let wanted = Wanted {
                yesterday,
                since: site.since,
                again_since: self.options.since,
                look_back: self.config.look_back,
                definition: &definition.text,
            };
            let days = plan::days(&stored, &wanted);
            self.tell_of_change(site, definition, &stored);
            Ok(Task { definition, days })
        };
        site.reports.iter().map(task).collect()
    }

    /// Says that days are downloaded again because the report is not what it was.
    fn tell_of_change(&self, site: &Site, now: &Definition, stored: &BTreeMap<Date, String>) {
        let old = stored.values().filter(|definition| **definition != now.text).count();
        if old > 0 {
            let (site, report) = (&site.name, &now.name);
            self.progress.say(format!(
                "note: {site} {report}: the report was changed: {old} stored days are downloaded again"
            ));
        }
    }

    fn download(&self, site: &Site, property: &Property, tasks: &[Task<'_>]) -> bool {
        let bar = self.progress.bar(&site.name, tasks.iter().map(|task| task.days.len()).sum());
        let mut complete = true;
        for task in tasks {
            let (days, error) = self.task(site, property, task, &bar);
            self.progress.say(days);
            let Some(error) = error else { continue };
            complete = false;
            self.failed(&format!("{} {}", site.name, task.definition.name), &error);
            // What is wrong with this report alone does not hinder the site's others.
            if !is_of_the_report(error.kind()) {
                break;
            }
        }
        bar.finish_and_clear();
        complete
    }

    /// Downloads the days of a report until something fails; what was done, as a line, and the failure.
    fn task(
        &self,
        site: &Site,
        property: &Property,
        task: &Task<'_>,
        bar: &indicatif::ProgressBar,
    ) -> (String, Option<Error>) {
        let mut done = Done::default();
        let mut failure = None;
        for days in task.days.chunks(fetch::DAYS_PER_CALL) {
            let request = &task.definition.request;
            let fetched = fetch::days(property, request, days, self.config.rows_per_request);
            for (day, pages) in days.iter().zip(fetched) {
                let stored = pages.and_then(|pages| {
                    let day = Day::new(&site.name, task.definition, *day, &pages)?;
                    self.sink().replace(&day)?;
                    done.add(&day);
                    bar.inc(1);
                    Ok(())
                });
                failure = failure.or_else(|| stored.err().map(|error| with_day(&error, *day)));
                if failure.as_ref().is_some_and(|error| error.kind() == ErrorKind::Other) {
                    break; // the store failed, and would for the other days
                }
            }
            if failure.is_some() {
                break;
            }
        }
        (done.line(site, task), failure)
    }

    fn sink(&self) -> MutexGuard<'_, Box<dyn Sink>> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the fault is one of this report alone.
fn is_of_the_report(kind: ErrorKind) -> bool {
    use ErrorKind::{Api, Drift, Incomplete, Row, Schema};
    matches!(kind, Api | Drift | Incomplete | Row | Schema)
}

/// The error with the day that it is about.
fn with_day(error: &Error, day: Date) -> Error {
    let named = Error::new(error.kind(), format!("{day}: {}", error.message())).with_source_of(error);
    match error.hint() {
        Some(hint) => named.with_hint(hint),
        None => named,
    }
}

/// What was stored of one report.
#[derive(Default)]
struct Done {
    days: usize,
    rows: u64,
    tokens: i32,
    /// Days against whose figures something can be said, by the words for it.
    doubts: BTreeSet<(String, Date)>,
}

impl Done {
    fn add(&mut self, day: &Day<'_>) {
        self.days += 1;
        self.rows += day.record.rows;
        self.tokens = self.tokens.saturating_add(day.record.tokens.unwrap_or(0));
        if day.record.quality != "exact" {
            self.doubts.insert((day.record.quality.clone(), day.record.date));
        }
    }

    /// `blog pages: 4 of 4 days, 1200 rows, 8 tokens; not exact: 2026-03-01 (sampled)`.
    fn line(&self, site: &Site, task: &Task<'_>) -> String {
        let (site, report, all) = (&site.name, &task.definition.name, task.days.len());
        let doubts: Vec<String> = self.doubts.iter().map(|(what, day)| format!("{day} ({what})")).collect();
        let doubts = match doubts.len() {
            0 => String::new(),
            1..=5 => format!("; not exact: {}", doubts.join(", ")),
            many => format!("; not exact: {many} days, see the table runs"),
        };
        format!(
            "{site} {report}: {} of {all} days, {} rows, {} tokens{doubts}",
            self.days, self.rows, self.tokens
        )
    }
}

/// What a dry run says of a report.
fn planned(site: &Site, task: &Task<'_>) -> String {
    let (site, report) = (&site.name, &task.definition.name);
    match (task.days.last(), task.days.first()) {
        (Some(first), Some(last)) => {
            format!("{site} {report}: {} days from {first} to {last}", task.days.len())
        }
        _ => format!("{site} {report}: nothing to download"),
    }
}
