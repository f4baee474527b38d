//! Charts, and the demo.

mod util;

use rusqlite::Connection;
use std::fs;
use std::path::Path;
use std::process::Command;
use util::{Lab, Ran, figures};

fn nightly(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nightly"));
    Ran::from(command.current_dir(folder).args(arguments).output().unwrap())
}

/// How often `part` is in `text`.
fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

#[test]
fn the_demo_stores_sixty_days_of_each_site_and_draws_them() {
    let folder = tempfile::tempdir().unwrap();
    nightly(folder.path(), &["demo", "--out", "here"]).is(
        0,
        &[
            "blog pages: 60 of 60 days, 720 rows, 60 tokens",
            "shop pages: 60 of 60 days, 720 rows, 60 tokens",
            "these figures are made up: they come from a fake Google on this machine",
            "the configuration is here/nightly.toml, the page is here/page.html",
        ],
    );
    let db = Connection::open(folder.path().join("here/nightly.sqlite")).unwrap();
    let days = "SELECT count(DISTINCT date) FROM pages GROUP BY site";
    let days: Vec<i64> =
        db.prepare(days).unwrap().query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(days, [60, 60]);
    let page = fs::read_to_string(folder.path().join("here/page.html")).unwrap();
    // Each site once for wide screens and once for narrow ones.
    assert_eq!(count(&page, "<svg "), 4);
    for text in ["screenPageViews", "sessions", "count per day", "day (Etc/UTC)"] {
        assert_eq!(count(&page, &format!("\n{text}\n")), 4, "{text}");
    }
    nightly(folder.path(), &["chart", "--config", "here/nightly.toml", "--out", "all.svg"]).is(0, &[]);
    let picture = fs::read_to_string(folder.path().join("all.svg")).unwrap();
    assert_eq!((count(&picture, "<svg "), count(&picture, "\nsessions\n")), (1, 2));
}

#[test]
fn the_page_loads_nothing() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(nightly(folder.path(), &["demo", "--out", "."]).status, Some(0));
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'\""));
    let name_of_svg = "xmlns=\"http://www.w3.org/2000/svg\"";
    let rest = page.replace(name_of_svg, "");
    for loaded in ["http:", "https:", "src=", "href=", "url(", "@import", "<script"] {
        assert!(!rest.contains(loaded), "{loaded}");
    }
}

#[test]
fn a_chart_of_another_kind_or_of_nothing_is_refused() {
    let lab = Lab::new(&figures(1..=3, 1, 0));
    let chart = |out| nightly(lab.folder.path(), &["chart", "--out", out]);
    chart("page.png").is(1, &["error: page.png is no chart; let the name of the file end in .html or .svg"]);
    chart("page.html").is(1, &["error: there is nothing to draw: no day is stored; run `nightly` first"]);
    assert!(!lab.path("nightly.sqlite").exists());
}

#[test]
fn a_day_that_is_not_exact_is_marked_and_the_legend_says_so() {
    let lab = Lab::new(&figures(1..=10, 3, 0));
    assert_eq!(lab.nightly(&[]).status, Some(0));
    let chart = || {
        nightly(lab.folder.path(), &["chart", "--out", "all.svg"]).is(0, &[]);
        fs::read_to_string(lab.path("all.svg")).unwrap()
    };
    assert_eq!(count(&chart(), "<circle "), 0);
    lab.sqlite().execute("UPDATE runs SET quality = 'sampled' WHERE date > '2026-03-08'", []).unwrap();
    let picture = chart();
    // Two days of each metric, and the legend.
    assert_eq!((count(&picture, "<circle "), count(&picture, "\nnot exact (sampled, …)\n")), (5, 1));
}
