//! Runs into Parquet files, read back by pyarrow: `NIGHTLY_PYTHON` is a Python that has it.

#![cfg(feature = "parquet")]

#[path = "util/reader.rs"]
mod reader;
mod util;

use reader::read;
use shortway::testing::serde_json::{self, Value, json};
use std::fs;
use std::process::Command;
use util::{Lab, Row, figures, of_sites};

fn lab(figures: &[Row]) -> Lab {
    let mut lab = Lab::new(figures);
    lab.database = "parquet:lake".to_owned();
    lab.configure("");
    lab
}

#[test]
fn an_independent_reader_finds_the_same_rows_and_types() {
    let figures = figures(1..=10, 23, 0);
    let lab = lab(&figures);
    // Several pages, so several row groups, and a day of one page.
    lab.configure("rows_per_request = 5");
    lab.nightly(&[]).is(0, &["blog pages: 10 of 10 days, 230 rows, 50 tokens"]);
    let Some(reader::Found { types, rows, .. }) = read(&lab) else { return };
    assert_eq!(rows, of_sites(&figures, &["blog"]));
    assert_eq!(
        types,
        json!({
            "site": "string", "date": "string", "pagePath": "string", "country": "string",
            "screenPageViews": "int64", "userEngagementDuration": "double",
        })
    );
}

#[test]
fn a_changed_figure_is_updated_one_that_vanished_is_gone_and_no_other_file_is_touched() {
    let mut lab = lab(&figures(1..=10, 4, 0));
    lab.nightly(&[]).is(0, &["blog pages: 10 of 10 days, 40 rows, 10 tokens"]);
    let old = lab.path("lake/report=pages/site=blog/date=2026-03-07/day.parquet");
    let before = fs::metadata(&old).unwrap().modified().unwrap();
    let mut changed = figures(1..=10, 4, 0);
    changed.iter_mut().filter(|row| row.1 == "2026-03-09").for_each(|row| row.4 += 1000);
    changed.retain(|row| (row.1.as_str(), row.2.as_str()) != ("2026-03-08", "/page/002"));
    lab.figures_become(&changed);
    lab.nightly(&[]).is(0, &["blog pages: 3 of 3 days, 11 rows, 3 tokens"]);
    assert_eq!(fs::metadata(&old).unwrap().modified().unwrap(), before);
    let Some(reader::Found { rows, .. }) = read(&lab) else { return };
    assert_eq!(rows, of_sites(&changed, &["blog"]));
}

#[test]
fn a_file_that_is_damaged_is_a_day_that_is_missing() {
    let lab = lab(&figures(1..=10, 4, 0));
    lab.nightly(&[]);
    let damaged = lab.path("lake/report=pages/site=blog/date=2026-03-02/day.parquet");
    fs::write(damaged, "PAR1").unwrap();
    lab.nightly(&[]).is(0, &["blog pages: 4 of 4 days, 16 rows, 4 tokens"]);
}

#[test]
fn each_download_has_a_line() {
    let lab = lab(&figures(1..=10, 4, 0));
    lab.nightly(&[]);
    lab.nightly(&[]);
    let text = fs::read_to_string(lab.path("lake/runs.jsonl")).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 13);
    let mut last = lines[12].clone();
    assert!(last["fetched_at"].take().is_string());
    assert_eq!(
        last,
        json!({
            "site": "blog", "report": "pages", "date": "2026-03-08", "fetched_at": null, "rows": 4,
            "quality": "exact", "tokens": 1, "tokens_left": 199_999, "time_zone": "Etc/UTC",
            "totals": {"screenPageViews": 1098.0, "userEngagementDuration": 1648.0},
            "units": {"screenPageViews": "", "userEngagementDuration": ""},
            "definition": "{\"dimensions\":[\"pagePath\",\"country\"],\"filter\":[],\
                           \"metrics\":[\"screenPageViews\",\"userEngagementDuration\"]}",
        })
    );
}

#[test]
fn a_second_nightly_on_the_same_folder_ends_at_once_and_says_so() {
    let lab = lab(&figures(1..=10, 4, 0));
    lab.nightly(&[]);
    let lock = fs::File::open(lab.path("lake/.lock")).unwrap();
    lock.lock().unwrap();
    let words = format!(
        "error: another nightly is writing to {}; wait until it has ended; nothing was changed",
        lab.path("lake").display()
    );
    lab.nightly(&[]).is(1, &[&words]);
}

#[test]
fn a_folder_that_cannot_be_written_fails_the_site() {
    let lab = lab(&figures(1..=10, 4, 0));
    lab.nightly(&[]);
    let day = lab.path("lake/report=pages/site=blog/date=2026-03-10");
    fs::remove_file(day.join("day.parquet")).unwrap();
    fs::create_dir(day.join("day.parquet")).unwrap();
    lab.nightly(&[]).is(
        1,
        &[
            "blog pages: 0 of 3 days, 0 rows, 0 tokens",
            "error: blog pages: 2026-03-10: cannot store the day: External: Is a directory (os error 21)",
        ],
    );
}

#[test]
fn a_chart_is_drawn_from_files_too() {
    let lab = lab(&figures(1..=10, 4, 0));
    lab.nightly(&[]);
    let out = lab.path("all.svg");
    let mut command = Command::new(env!("CARGO_BIN_EXE_nightly"));
    command.args(["chart", "--config"]).arg(lab.config()).arg("--out").arg(&out);
    assert!(command.status().unwrap().success());
    assert!(fs::read_to_string(out).unwrap().contains("screenPageViews"));
}
