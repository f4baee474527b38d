//! Runs of `nightly` against a fake Google, into SQLite.

mod util;

use rusqlite::Connection;
use shortway::testing::serde_json::{self, json};
use std::fs;
use std::process::Command;
use util::{Lab, figures, of_sites};

#[test]
fn the_first_run_stores_every_day_and_the_second_downloads_the_look_back_alone() {
    let figures = figures(1..=10, 4, 0);
    let lab = Lab::new(&figures);
    lab.nightly(&[]).is(0, &["blog pages: 10 of 10 days, 40 rows, 10 tokens"]);
    assert_eq!(lab.stored(), of_sites(&figures, &["blog"]));
    assert_eq!(lab.days_asked().len(), 10);
    lab.nightly(&[]).is(0, &["blog pages: 3 of 3 days, 12 rows, 3 tokens"]);
    assert_eq!(lab.days_asked()[10..], ["2026-03-10", "2026-03-09", "2026-03-08"]);
    assert_eq!(lab.stored(), of_sites(&figures, &["blog"]));
}

#[test]
fn a_figure_that_changed_is_updated_and_one_that_vanished_is_gone() {
    let mut lab = Lab::new(&figures(1..=10, 4, 0));
    lab.nightly(&[]).is(0, &["blog pages: 10 of 10 days, 40 rows, 10 tokens"]);
    let mut changed = figures(1..=10, 4, 0);
    changed.iter_mut().filter(|row| row.1 == "2026-03-09").for_each(|row| row.4 += 1000);
    changed.retain(|row| (row.1.as_str(), row.2.as_str()) != ("2026-03-08", "/page/002"));
    lab.figures_become(&changed);
    lab.nightly(&[]).is(0, &["blog pages: 3 of 3 days, 11 rows, 3 tokens"]);
    assert_eq!(lab.stored(), of_sites(&changed, &["blog"]));
}

#[test]
fn a_figure_that_changed_before_the_look_back_is_updated_by_since() {
    let mut lab = Lab::new(&figures(1..=10, 4, 0));
    lab.nightly(&[]);
    let changed = figures(1..=10, 4, 5);
    lab.figures_become(&changed);
    lab.nightly(&["--since", "2026-03-02"]).is(0, &["blog pages: 9 of 9 days, 36 rows, 9 tokens"]);
    let mut expected = of_sites(&changed, &["blog"]);
    expected.splice(..4, of_sites(&figures(1..=1, 4, 0), &["blog"]));
    assert_eq!(lab.stored(), expected);
}

#[test]
fn each_day_is_a_request_of_its_own_and_five_of_them_are_a_call() {
    let lab = Lab::new(&figures(1..=10, 2, 0));
    lab.nightly(&[]);
    let paths = lab.google.paths_asked();
    let method = |path: &String| path.split([':', '?']).nth(1).unwrap_or_default().to_owned();
    assert_eq!(
        paths.iter().map(method).collect::<Vec<_>>(),
        ["runReport", "batchRunReports", "batchRunReports"]
    );
    let batch = &lab.google.reports_asked()[1];
    assert_eq!(
        batch["requests"][4],
        json!({
            "dateRanges": [{"startDate": "2026-03-06", "endDate": "2026-03-06"}],
            "dimensions": [{"name": "pagePath"}, {"name": "country"}],
            "metrics": [{"name": "screenPageViews"}, {"name": "userEngagementDuration"}],
            "orderBys": [
                {"dimension": {"dimensionName": "pagePath"}},
                {"dimension": {"dimensionName": "country"}},
            ],
            "limit": "50000",
            "metricAggregations": ["TOTAL"],
            "returnPropertyQuota": true,
        })
    );
}

#[test]
fn a_day_with_more_rows_than_a_page_is_stored_whole() {
    let figures = figures(1..=10, 23, 0);
    let lab = Lab::new(&figures);
    lab.configure("rows_per_request = 5");
    lab.nightly(&[]).is(0, &["blog pages: 10 of 10 days, 230 rows, 50 tokens"]);
    assert_eq!(lab.stored(), of_sites(&figures, &["blog"]));
}

#[test]
fn a_dry_run_prints_the_days_and_makes_nothing() {
    let lab = Lab::new(&figures(1..=10, 2, 0));
    let ran = lab.nightly(&["--dry-run"]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""));
    assert_eq!(ran.out, "blog pages: 10 days from 2026-03-01 to 2026-03-10\n");
    let there: Vec<_> =
        fs::read_dir(lab.folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(there.len(), 2, "{there:?}");
    lab.nightly(&[]);
    let ran = lab.nightly(&["--dry-run"]);
    assert_eq!(ran.out, "blog pages: 3 days from 2026-03-08 to 2026-03-10\n");
}

#[test]
fn tables_have_the_types_of_the_headers_and_runs_what_is_known_of_each_day() {
    let lab = Lab::new(&figures(1..=10, 2, 0));
    lab.nightly(&[]);
    let db = lab.sqlite();
    let text = |sql: &str| db.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(
        text("SELECT group_concat(name || ' ' || type, ', ') FROM pragma_table_info('pages')"),
        "site TEXT, date TEXT, n INTEGER, pagePath TEXT, country TEXT, screenPageViews INTEGER, \
         userEngagementDuration REAL"
    );
    assert_eq!(
        text("SELECT DISTINCT typeof(screenPageViews) || typeof(userEngagementDuration) FROM pages"),
        "integerreal"
    );
    assert_eq!(
        text(
            "SELECT concat_ws(' ', site, report, rows, quality, tokens, tokens_left, time_zone, totals, units,
             definition) FROM runs WHERE date = '2026-03-10'"
        ),
        "blog pages 2 exact 1 199999 Etc/UTC {\"screenPageViews\":639.0,\"userEngagementDuration\":959.0} \
         {\"screenPageViews\":\"\",\"userEngagementDuration\":\"\"} \
         {\"dimensions\":[\"pagePath\",\"country\"],\"filter\":[],\
         \"metrics\":[\"screenPageViews\",\"userEngagementDuration\"]}"
    );
}

#[test]
fn a_changed_report_gets_its_column_and_its_days_again() {
    let figures = figures(1..=10, 2, 0);
    let lab = Lab::new(&figures);
    let site = "[[site]]\nname = \"blog\"\nproperty = 1\n";
    let report = |metrics| {
        format!("[[report]]\nname = \"pages\"\ndimensions = [\"pagePath\", \"country\"]\n{metrics}")
    };
    lab.write_config_of("", &report("metrics = [\"screenPageViews\"]"), site);
    lab.nightly(&[]).is(0, &["blog pages: 10 of 10 days, 20 rows, 10 tokens"]);
    lab.configure("");
    lab.nightly(&[]).is(
        0,
        &[
            "note: blog pages: the report was changed: 10 stored days are downloaded again",
            "blog pages: 10 of 10 days, 20 rows, 10 tokens",
        ],
    );
    assert_eq!(lab.stored(), of_sites(&figures, &["blog"]));
    lab.nightly(&[]).is(0, &["blog pages: 3 of 3 days, 6 rows, 3 tokens"]);
}

#[test]
fn a_filter_is_sent_with_each_request() {
    let figures = figures(1..=10, 4, 0);
    let lab = Lab::new(&figures);
    let report = "[[report]]\nname = \"pages\"\ndimensions = [\"pagePath\", \"country\"]\n\
                  metrics = [\"screenPageViews\", \"userEngagementDuration\"]\n\
                  filter = [\"country == Italy\", \"screenPageViews > 300\"]\n";
    lab.write_config_of("", report, "[[site]]\nname = \"blog\"\nproperty = 1\n");
    assert_eq!(lab.nightly(&[]).status, Some(0));
    let mut kept = of_sites(&figures, &["blog"]);
    kept.retain(|row| row.3 == "Italy" && row.4 > 300);
    assert!(!kept.is_empty());
    assert_eq!(lab.stored(), kept);
}

#[test]
fn a_site_that_fails_stops_no_other_and_is_told_by_the_exit_status() {
    let figures = figures(1..=10, 2, 0);
    let lab = Lab::new(&figures);
    let sites = "[[site]]\nname = \"secret\"\nproperty = 9\n[[site]]\nname = \"blog\"\nproperty = 1\n";
    lab.write_config("", sites);
    let ran = lab.nightly(&["--jobs", "1"]);
    assert_eq!(ran.status, Some(1));
    let lines: Vec<_> = ran.err.lines().collect();
    assert_eq!(lines.len(), 2);
    let told = "error: secret: Analytics refused the report on property 9: User does not have sufficient";
    assert!(lines[0].starts_with(told), "{}", lines[0]);
    assert_eq!(lines[1], "blog pages: 10 of 10 days, 20 rows, 10 tokens");
    assert_eq!(lab.stored(), of_sites(&figures, &["blog"]));
}

#[test]
fn many_sites_at_the_same_time_are_all_stored() {
    let figures = figures(1..=10, 3, 0);
    let lab = Lab::new(&figures);
    let names: Vec<String> = (0..12).map(|n| format!("site{n:02}")).collect();
    let site = |name| format!("[[site]]\nname = \"{name}\"\nproperty = 1\n");
    lab.write_config("", &names.iter().map(site).collect::<String>());
    assert_eq!(lab.nightly(&["--jobs", "3"]).status, Some(0));
    assert_eq!(lab.stored(), of_sites(&figures, &names.iter().map(String::as_str).collect::<Vec<_>>()));
    assert_eq!(lab.google.token_requests(), 1);
}

#[test]
fn a_token_is_kept_for_the_next_run() {
    let lab = Lab::new(&figures(1..=10, 1, 0));
    assert_eq!((lab.nightly(&[]).status, lab.nightly(&[]).status), (Some(0), Some(0)));
    assert_eq!(lab.google.token_requests(), 1);
    assert!(lab.path("tokens.json").exists());
}

#[test]
fn a_quota_that_is_exhausted_stops_the_site_and_the_next_run_goes_on() {
    let figures = figures(1..=10, 2, 0);
    let lab = Lab::new(&figures);
    let message = "Exhausted property tokens for a project per hour.";
    let exhausted = json!({"error": {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED"}});
    lab.configure("quota_floor = 199999999");
    let ran = lab.nightly(&[]);
    assert_eq!(ran.status, Some(1));
    let lines = "blog pages: 0 of 10 days, 0 rows, 0 tokens\n\
                 note: blog pages: stops here, the next run goes on: 2026-03-10: ";
    assert!(ran.err.starts_with(lines), "{}", ran.err);
    lab.configure("");
    lab.google.answer_next_report(429, exhausted);
    let ran = lab.nightly(&[]);
    assert_eq!(ran.status, Some(1));
    assert!(ran.err.starts_with("note: blog: stops here, the next run goes on: "), "{}", ran.err);
    lab.nightly(&[]).is(0, &["blog pages: 10 of 10 days, 20 rows, 10 tokens"]);
    assert_eq!(lab.stored(), of_sites(&figures, &["blog"]));
}

#[test]
fn a_second_nightly_on_the_same_database_ends_at_once_and_says_so() {
    let lab = Lab::new(&figures(1..=10, 2, 0));
    lab.nightly(&[]);
    let lock = fs::File::open(lab.path("nightly.sqlite.lock")).unwrap();
    lock.lock().unwrap();
    let before = lab.google.report_requests();
    let place = lab.path("nightly.sqlite");
    let words = format!(
        "error: another nightly is writing to {}; wait until it has ended; nothing was changed",
        place.display()
    );
    lab.nightly(&[]).is(1, &[&words]);
    assert_eq!(lab.google.report_requests(), before);
}

#[test]
fn a_database_that_another_program_holds_fails_the_site_and_loses_nothing() {
    let figures = figures(1..=10, 2, 0);
    let lab = Lab::new(&figures);
    lab.nightly(&[]);
    let db = lab.sqlite();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    lab.nightly(&[]).is(
        1,
        &[
            "blog pages: 0 of 3 days, 0 rows, 0 tokens",
            "error: blog pages: 2026-03-10: cannot store the day: database is locked",
        ],
    );
    drop(db);
    assert_eq!(lab.stored(), of_sites(&figures, &["blog"]));
    assert_eq!(lab.nightly(&[]).status, Some(0));
}

#[test]
fn a_full_disk_fails_the_site_and_loses_nothing() {
    let lab = Lab::new(&figures(1..=10, 400, 0));
    lab.configure("");
    // A limit on the size of files stands for the disk; the signal that comes with it is ignored.
    let mut shell = Command::new("bash");
    let script = "trap '' XFSZ; ulimit -f 100; exec \"$@\"";
    let nightly = lab.command(&[]);
    shell.args(["-c", script, "bash"]).arg(nightly.get_program()).args(nightly.get_args());
    let ran = util::Ran::from(shell.output().unwrap());
    assert_eq!(ran.status, Some(1), "{}", ran.err);
    let last = ran.err.lines().last().unwrap();
    assert!(last.starts_with("error: blog pages: 2026-03-"), "{last}");
    assert!(last.contains(": cannot store the day: "), "{last}");
    let db = lab.sqlite();
    let whole = "SELECT count(*) FROM (SELECT 1 FROM pages GROUP BY date HAVING count(*) <> 400)";
    assert_eq!(count(&db, whole), 0);
    lab.nightly(&[]);
    assert_eq!(lab.stored(), of_sites(&figures(1..=10, 400, 0), &["blog"]));
}

#[test]
fn on_a_terminal_there_are_bars_and_elsewhere_there_are_none() {
    let lab = Lab::new(&figures(1..=10, 1, 0));
    let command = format!("{:?}", lab.command(&[]));
    let Ok(output) = Command::new("script").args(["-qec", &command, "/dev/null"]).output() else {
        println!("SKIPPED: there is no `script` to run a program on a terminal");
        return;
    };
    let shown = String::from_utf8(output.stdout).unwrap();
    // How often a bar is drawn depends on the time.
    assert!(shown.contains("/10 days"), "{shown}");
    assert!(shown.contains("blog pages: 10 of 10 days, 10 rows, 10 tokens"), "{shown}");
    lab.nightly(&[]).is(0, &["blog pages: 3 of 3 days, 3 rows, 3 tokens"]);
}

fn count(db: &Connection, sql: &str) -> i64 {
    db.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn days_that_are_not_exact_are_marked() {
    let lab = Lab::new(&figures(1..=10, 1, 0));
    let views = json!({"name": "screenPageViews", "type": "TYPE_INTEGER"});
    let seconds = json!({"name": "userEngagementDuration", "type": "TYPE_SECONDS"});
    let cells = |texts: [&str; 2]| json!([{"value": texts[0]}, {"value": texts[1]}]);
    let report = |metadata: &serde_json::Value| {
        json!({
            "dimensionHeaders": [{"name": "pagePath"}, {"name": "country"}],
            "metricHeaders": [views, seconds],
            "rows": [{"dimensionValues": cells(["/", "(other)"]), "metricValues": cells(["7", "1.5"])}],
            "rowCount": 1,
            "metadata": metadata,
            "kind": "analyticsData#runReport",
        })
    };
    let zone = "Pacific/Kiritimati"; // at noon UTC the 12th has begun there
    let smallest = json!({"metricHeaders": [views], "metadata": {"timeZone": zone}});
    lab.google.answer_next_report(200, smallest);
    let sampled = json!({"timeZone": zone, "subjectToThresholding": true,
        "samplingMetadatas": [{"samplesReadCount": "10", "samplingSpaceSize": "1000"}]});
    let batch = json!({"reports": vec![report(&sampled); 5], "kind": "analyticsData#batchRunReports"});
    lab.google.answer_next_report(200, batch);
    let text = fs::read_to_string(lab.config()).unwrap();
    fs::write(lab.config(), text.replace("2026-03-01", "2026-03-07")).unwrap();
    lab.nightly(&[]).is(
        0,
        &["blog pages: 5 of 5 days, 5 rows, 0 tokens; not exact: 2026-03-07 (sampled,other-row,thresholded), \
           2026-03-08 (sampled,other-row,thresholded), 2026-03-09 (sampled,other-row,thresholded), \
           2026-03-10 (sampled,other-row,thresholded), 2026-03-11 (sampled,other-row,thresholded)"],
    );
    let marked = "SELECT count(*) FROM runs WHERE quality = 'sampled,other-row,thresholded'
                  AND json_extract(units, '$.userEngagementDuration') = 's'";
    assert_eq!(count(&lab.sqlite(), marked), 5);
}
