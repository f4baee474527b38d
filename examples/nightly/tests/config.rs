//! Faults of the configuration: file, line and a suggestion, before anything is sent.

mod util;

use shortway::testing::THROW_AWAY_KEY_JSON;
use std::fs;
use util::{Lab, Ran, figures};

/// Runs with this configuration; nothing may be sent or made.
#[track_caller]
fn faults(text: &str, expected: &[&str]) {
    let lab = Lab::new(&figures(1..=1, 1, 0));
    fs::write(lab.config(), text).unwrap();
    let ran = lab.nightly(&[]);
    let name = lab.config().display().to_string();
    let folder = lab.folder.path().display().to_string();
    let ran = Ran { err: ran.err.replace(&name, "nightly.toml").replace(&folder, "FOLDER"), ..ran };
    let expected: Vec<String> = expected.iter().map(|line| format!("error: nightly.toml{line}")).collect();
    ran.is(2, &expected.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((lab.google.token_requests(), lab.google.report_requests()), (0, 0));
    assert_eq!(fs::read_dir(lab.folder.path()).unwrap().count(), 2);
}

const GOOD: &str = "database = \"nightly.sqlite\"
key = \"key.json\"
[[report]]
name = \"pages\"
metrics = [\"sessions\"]
[[site]]
name = \"blog\"
property = 1
";

#[test]
fn unknown_keys_are_told_with_the_nearest_known_one() {
    let text = GOOD.replace("property = 1", "property = 1\npropperty = 2\ncolour = 3");
    faults(
        &format!("lookback = 3\n{text}"),
        &[
            ":1: unknown key `lookback` in the file; did you mean `look_back`?",
            ":10: unknown key `propperty` in [[site]]; did you mean `property`?",
            ":11: unknown key `colour` in [[site]]; known are name, property, key, since, reports",
        ],
    );
}

#[test]
fn doubled_sites_and_reports_are_told() {
    let site = "[[site]]\nname = \"Blog\"\nproperty = 2\nreports = [\"pages\", \"pages\"]\n";
    let report = "[[report]]\nname = \"pages\"\nmetrics = [\"users\"]\n";
    faults(
        &format!("{GOOD}{site}{report}"),
        &[
            ":10: the name `Blog` is used above already; choose another",
            ":12: the report `pages` stands here twice",
            ":14: the name `pages` is used above already; choose another",
        ],
    );
}

#[test]
fn a_report_that_is_not_there_is_told_with_the_nearest_one() {
    faults(
        &format!("{GOOD}reports = [\"pagse\"]"),
        &[":9: there is no report `pagse`; did you mean `pages`?"],
    );
}

#[test]
fn keys_that_cannot_be_read_are_told_once_for_each_file() {
    let more = "[[site]]\nname = \"shop\"\nproperty = 2\n";
    let text = format!("{}{more}", GOOD.replace("key.json", "lost.json"));
    faults(&text, &[":2: cannot read the key file FOLDER/lost.json: it does not exist; check the path"]);
}

#[test]
fn a_key_file_that_is_none_is_told_without_its_content() {
    let lab = Lab::new(&figures(1..=1, 1, 0));
    fs::write(
        lab.path("key.json"),
        THROW_AWAY_KEY_JSON.replace("PRIVATE KEY-----\\n", "PRIVATE KEY-----\\nA"),
    )
    .unwrap();
    let ran = lab.nightly(&[]);
    assert_eq!(ran.status, Some(2));
    let name = lab.config().display().to_string();
    assert!(ran.err.starts_with(&format!("error: {name}:2: ")), "{}", ran.err);
    assert!(!ran.err.contains("MII") && ran.err.lines().count() == 1, "{}", ran.err);
}

#[test]
fn what_is_missing_is_told() {
    faults(
        "look_back = 1\n",
        &[
            ":1: the file has no `database`; add database = \"…\"",
            ":1: there is no report; add a section [[report]] with a name and metrics",
            ":1: there is no site; add a section [[site]] with a name and a property",
        ],
    );
    faults(
        "database = \"x\"\n[[report]]\nname = \"pages\"\n[[site]]\nname = \"blog\"\n",
        &[
            ":2: [[report]] has no metrics; add metrics = [\"sessions\"]",
            ":4: [[site]] has no `key`; add key = \"key.json\" here, or at the top for all sites",
            ":4: [[site]] has no `property`; add property = 123456789",
        ],
    );
}

#[test]
fn values_of_another_type_are_told() {
    let text = GOOD.replace("property = 1", "property = \"G-ABC\"\nsince = \"2026-01-01\"");
    faults(
        &format!("look_back = -1\nrows_per_request = 0\n{text}"),
        &[
            ":1: `look_back` is not a whole number from 0 on",
            ":2: `rows_per_request` is not from 1 to 250000, the most that Google gives",
            ":10: \"G-ABC\" is a measurement id: it names a web data stream, which the tag in the pages \
             sends to; the property id is a number: in Google Analytics open Admin, Property settings, \
             Property details; it stands at the top right",
            ":11: `since` is not a day such as 2026-01-31, without quotes",
        ],
    );
    let early = ":1: `since` is not 2015-08-14, the first day that Google Analytics 4 has, or later";
    faults(&format!("since = 2015-08-13\n{GOOD}"), &[early]);
}

#[test]
fn names_that_cannot_be_tables_or_folders_are_told() {
    faults(
        &GOOD.replace("\"pages\"", "\"runs\"").replace("\"blog\"", "\"../blog\""),
        &[
            ":4: the name `runs` is taken by the database; choose another",
            ":7: `../blog` is not a name: use up to 50 letters, digits, `_`, `-` and `.`, a letter or digit \
             first",
        ],
    );
}

#[test]
fn faults_of_reports_are_told_before_google_would() {
    let report = "dimensions = [\"date\", \"city\", \"City\"]\n\
                  filter = [\"country\", \"sessions > many\"]\n[[site]]\n";
    faults(
        &GOOD.replace("[[site]]\n", report),
        &[
            ":3: `date` is not a dimension here: each row has its day in the column `date`; remove it",
            ":3: the columns `city` and `City` differ in nothing but case; a database takes them for one",
            ":7: `country` is not a test; write a field, an operator and a value: country == Italy",
            ":7: `many` is not a number; compare the metric `sessions` to one",
        ],
    );
}

#[test]
fn a_database_of_an_unknown_kind_is_told_without_its_url() {
    faults(
        &GOOD.replace("nightly.sqlite", "mysql://me:hunter2@host/db"),
        &[":1: this kind of database is not known; use a file, parquet:FOLDER or postgres://…"],
    );
}

#[test]
fn a_file_that_is_not_toml_is_told_with_the_line() {
    faults(
        "database = \"x\"\nkey = \n",
        &[":2: this is not TOML: string values must be quoted, expected literal string"],
    );
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let lab = Lab::new(&[]);
    fs::remove_file(lab.config()).unwrap();
    let words = format!(
        "error: {}: cannot be read: No such file or directory (os error 2); name the file with --config, see \
         `nightly --help`",
        lab.config().display()
    );
    lab.nightly(&[]).is(2, &[&words]);
}
