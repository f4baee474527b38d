//! Runs into PostgreSQL: a server that `tests/postgres.sh` starts.

#![cfg(feature = "postgres")]

#[path = "util/server.rs"]
mod server;
mod util;

use postgres::{Client, NoTls};
use std::process::Stdio;
use std::thread;
use util::{Lab, Ran, figures, of_sites};

const PASSWORD: &str = "hunter2";

fn text(db: &mut Client, sql: &str) -> String {
    db.query_one(sql, &[]).unwrap().get(0)
}

#[test]
fn days_are_stored_replaced_and_the_look_back_alone_is_downloaded_again() {
    let mut lab = Lab::new(&figures(1..=10, 4, 0));
    let Some(mut db) = server::use_postgres(&mut lab) else { return };
    lab.configure("");
    lab.nightly(&[]).is(0, &["blog pages: 10 of 10 days, 40 rows, 10 tokens"]);
    assert_eq!(server::stored(&mut db), of_sites(&figures(1..=10, 4, 0), &["blog"]));
    let mut changed = figures(1..=10, 4, 0);
    changed.iter_mut().filter(|row| row.1 == "2026-03-09").for_each(|row| row.4 += 1000);
    changed.retain(|row| (row.1.as_str(), row.2.as_str()) != ("2026-03-08", "/page/002"));
    lab.figures_become(&changed);
    lab.nightly(&[]).is(0, &["blog pages: 3 of 3 days, 11 rows, 3 tokens"]);
    assert_eq!(server::stored(&mut db), of_sites(&changed, &["blog"]));
}

#[test]
fn tables_have_the_types_of_the_headers_and_runs_what_is_known_of_each_day() {
    let mut lab = Lab::new(&figures(1..=10, 2, 0));
    let Some(mut db) = server::use_postgres(&mut lab) else { return };
    lab.configure("");
    assert_eq!(lab.nightly(&[]).status, Some(0));
    let columns = "SELECT string_agg(column_name || ' ' || data_type, ', ' ORDER BY ordinal_position)
                   FROM information_schema.columns WHERE table_name = 'pages'";
    assert_eq!(
        text(&mut db, columns),
        "site text, date date, n integer, pagePath text, country text, screenPageViews bigint, \
         userEngagementDuration double precision"
    );
    let run = "SELECT concat_ws(' ', site, report, rows, quality, tokens, tokens_left, time_zone, totals)
               FROM runs WHERE date = '2026-03-10'";
    assert_eq!(
        text(&mut db, run),
        "blog pages 2 exact 1 199999 Etc/UTC \
         {\"screenPageViews\": 639.0, \"userEngagementDuration\": 959.0}"
    );
}

#[test]
fn signs_that_copy_gives_a_meaning_are_stored_as_they_are() {
    let page = "/a\\b\tc\\N\\.\nd";
    let row = |day: u32| {
        let day = format!("2026-03-{day:02}");
        (String::new(), day, page.to_owned(), "C\u{f4}te d'Ivoire \u{1f34b}".to_owned(), i64::MAX >> 12, 0.1)
    };
    let figures: Vec<_> = (1..=10).map(row).collect();
    let mut lab = Lab::new(&figures);
    let Some(mut db) = server::use_postgres(&mut lab) else { return };
    lab.configure("");
    assert_eq!(lab.nightly(&[]).status, Some(0));
    assert_eq!(server::stored(&mut db), of_sites(&figures, &["blog"]));
}

#[test]
fn a_changed_report_gets_its_column_and_a_column_that_is_whole_no_more_its_type() {
    let mut whole = figures(1..=10, 2, 0);
    whole.iter_mut().for_each(|row| row.5 = 3.0);
    let mut lab = Lab::new(&whole);
    let Some(mut db) = server::use_postgres(&mut lab) else { return };
    let report = "[[report]]\nname = \"pages\"\ndimensions = [\"pagePath\", \"country\"]\n\
                  metrics = [\"userEngagementDuration\"]\n";
    lab.write_config_of("", report, "[[site]]\nname = \"blog\"\nproperty = 1\n");
    assert_eq!(lab.nightly(&[]).status, Some(0));
    let kind = "SELECT data_type::text FROM information_schema.columns
                WHERE table_name = 'pages' AND column_name = 'userEngagementDuration'";
    assert_eq!(text(&mut db, kind), "bigint");
    let figures = figures(1..=10, 2, 0);
    lab.figures_become(&figures);
    lab.nightly(&[]).is(
        0,
        &[
            "note: blog pages: the report was changed: 10 stored days are downloaded again",
            "blog pages: 10 of 10 days, 20 rows, 10 tokens",
        ],
    );
    assert_eq!(text(&mut db, kind), "double precision");
    assert_eq!(server::stored(&mut db), of_sites(&figures, &["blog"]));
}

#[test]
fn a_second_nightly_on_the_same_database_ends_at_once_and_says_so() {
    let mut lab = Lab::new(&figures(1..=10, 2, 0));
    let Some(mut db) = server::use_postgres(&mut lab) else { return };
    lab.configure("");
    db.batch_execute("SELECT pg_advisory_lock(7956003915054217473)").unwrap();
    lab.nightly(&[]).is(
        1,
        &["error: another nightly is writing to this PostgreSQL database; wait until it has ended; nothing \
           was changed"],
    );
    assert_eq!((lab.google.report_requests(), server_tables(&mut db)), (0, 0));
}

fn server_tables(db: &mut Client) -> i64 {
    db.query_one("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", &[]).unwrap().get(0)
}

#[test]
fn a_connection_that_is_lost_fails_the_site_loses_nothing_and_the_next_site_is_stored() {
    let figures = figures(1..=10, 2, 0);
    let mut lab = Lab::new(&figures);
    let Some(mut db) = server::use_postgres(&mut lab) else { return };
    lab.write_config(
        "",
        "[[site]]\nname = \"blog\"\nproperty = 1\n[[site]]\nname = \"shop\"\nproperty = 2\n",
    );
    assert_eq!(lab.nightly(&[]).status, Some(0));
    // The process waits for this table; then its connection is ended.
    db.batch_execute("BEGIN; LOCK TABLE pages IN ACCESS EXCLUSIVE MODE").unwrap();
    let mut command = lab.command(&["--jobs", "1"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut other = Client::connect(&lab.database, NoTls).unwrap();
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while other.query_one(end, &[]).unwrap().get::<_, i64>(0) == 0 {
        thread::yield_now();
    }
    db.batch_execute("ROLLBACK").unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    // The server's reason may or may not come before the end of the connection is seen.
    let reason = ran.err.lines().nth(1).unwrap_or_default().to_owned();
    let lost = "error: blog pages: 2026-03-10: cannot store the day: ";
    assert!(reason.starts_with(lost), "{}", ran.err);
    let first = "blog pages: 0 of 3 days, 0 rows, 0 tokens";
    ran.is(1, &[first, &reason, "shop pages: 3 of 3 days, 6 rows, 3 tokens"]);
    assert_eq!(server::stored(&mut db), of_sites(&figures, &["blog", "shop"]));
}

#[test]
fn a_server_that_is_not_there_is_told_without_the_password() {
    let mut lab = Lab::new(&figures(1..=10, 2, 0));
    for (url, words) in [
        (
            "postgres://me:hunter2@127.0.0.1:1/db",
            "error: cannot connect to PostgreSQL: error connecting to server",
        ),
        ("postgres://me:hunter2@127.0.0.1:hunter2/db", "error: the URL of the database is not valid; write"),
        (
            "postgres://me:hunter2@127.0.0.1/db?hunter2=1",
            "error: the URL of the database is not valid; write",
        ),
    ] {
        lab.database = url.to_owned();
        lab.configure("");
        let ran = lab.nightly(&[]);
        assert_eq!(ran.status, Some(1));
        assert!(ran.err.starts_with(words), "{}", ran.err);
        assert!(!ran.err.contains(PASSWORD), "{}", ran.err);
    }
}

#[test]
fn a_wrong_password_is_told_without_it() {
    let mut lab = Lab::new(&figures(1..=10, 2, 0));
    if server::use_postgres(&mut lab).is_none() {
        return;
    }
    lab.database = lab.database.replace("-in-tests", "-mistyped");
    lab.configure("");
    let ran = lab.nightly(&[]);
    ran.is(
        1,
        &["error: cannot connect to PostgreSQL: db error: FATAL: password authentication failed for user \
           \"nightly\""],
    );
}

#[test]
fn a_connection_is_encrypted_and_the_certificate_must_be_good() {
    let figures = figures(1..=10, 2, 0);
    let mut lab = Lab::new(&figures);
    let Some(mut db) = server::use_postgres(&mut lab) else { return };
    let role = "CREATE ROLE encrypted LOGIN SUPERUSER PASSWORD 'hunter2-in-tests'";
    let _ = db.batch_execute(role); // another run of this test may have made it
    let plain = lab.database.replace("nightly:", "encrypted:").replace("127.0.0.1", "localhost");
    lab.database = plain.clone();
    lab.configure("");
    // To this machine nothing is encrypted unless the URL says so; this role is refused then.
    assert!(lab.nightly(&[]).err.contains("pg_hba.conf rejects connection"));
    lab.database = format!("{plain}?sslmode=require");
    lab.configure("");
    let ran = lab.nightly(&[]);
    assert!(ran.err.contains("cannot connect to PostgreSQL"), "{}", ran.err);
    assert!(ran.err.contains("SSL_CERT_FILE names a file of roots"), "{}", ran.err);
    let authority = std::env::var("NIGHTLY_POSTGRES_CA").unwrap();
    let ran = Ran::from(lab.command(&[]).env("SSL_CERT_FILE", &authority).output().unwrap());
    ran.is(0, &["blog pages: 10 of 10 days, 20 rows, 10 tokens"]);
    assert_eq!(server::stored(&mut db), of_sites(&figures, &["blog"]));
    // The certificate is not one of that name.
    lab.database = lab.database.replace("localhost", "127.0.0.1");
    lab.configure("");
    let ran = Ran::from(lab.command(&[]).env("SSL_CERT_FILE", &authority).output().unwrap());
    assert_eq!(ran.status, Some(1));
    assert!(ran.err.contains("not valid for name"), "{}", ran.err);
}

#[test]
fn a_fault_of_the_configuration_does_not_show_the_password() {
    let mut lab = Lab::new(&figures(1..=10, 2, 0));
    lab.database = "postgres://me:hunter2@127.0.0.1:1/db".to_owned();
    lab.configure("colour = 3\nlook_back = [");
    let ran = lab.nightly(&[]);
    assert_eq!(ran.status, Some(2));
    assert!(!ran.err.contains(PASSWORD), "{}", ran.err);
}
