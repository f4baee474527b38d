//! What is requested and what is refused: the fake, half a request, wrong options, errors.

use crate::util::endpoint::Endpoint;
use crate::{
    REPORT, VARIABLE, assert_failed, assert_options_are_in_help, columns, command, command_with_key, getdata,
    help, json_endpoint, run, stderr, stdout, with_throw_away_key,
};
use serde_json::{Value, json};
use shortway::ServiceAccountKey;
use shortway::testing::THROW_AWAY_KEY_JSON;
use std::process::Stdio;

const MADE_UP: &str =
    "note: these figures are made up: they come from a fake Google on this machine, see --help\n";

const HALF: &str = "; give both, or --fake for made-up figures\n";

#[test]
fn no_arguments_and_no_variable_request_the_fake() {
    for value in [None, Some("")] {
        let mut program = command([]);
        value.map(|value| program.env(VARIABLE, value));
        let output = run(&mut program);
        assert_eq!((output.status.code(), stderr(&output)), (Some(0), MADE_UP));
        let text = stdout(&output);
        assert!(text.starts_with("screenPageViews: "), "{text}");
        assert!(text.contains("\npagePath "), "{text}");
    }
}

#[test]
fn fake_is_requested_by_its_option_whatever_the_variable_says() {
    let rest =
        ["--format", "json", "--metrics", "screenPageViews", "--dimensions", "country", "--limit", "2"];
    let output = run(command(["--fake"]).args(rest).env(VARIABLE, "/no/such/key.json"));
    let note = "note: 2 of 3 rows shown, see --limit and --all\n";
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), format!("{MADE_UP}{note}").as_str()));
    let printed: Value = serde_json::from_str(stdout(&output)).expect("JSON");
    let rows = printed["rows"].as_array().expect("rows");
    assert_eq!((rows.len(), &printed["rowCount"]), (2, &json!(3)));
    assert!(printed["totals"]["screenPageViews"].is_u64());
}

#[test]
fn half_a_request_never_prints_made_up_figures() {
    let only_key = "error: --key needs --property, the number of the property";
    let only_variable = "error: GOOGLE_APPLICATION_CREDENTIALS is set, in place of --key, and needs \
                         --property, the number of the property";
    let only_property = "error: --property needs --key, or GOOGLE_APPLICATION_CREDENTIALS set to the path of \
                         a key file";
    let neither = "error: neither --key (or GOOGLE_APPLICATION_CREDENTIALS) nor --property is given";
    let cases: [(&[&str], Option<&str>, &str); 10] = [
        (&["--key", "key.json"], None, only_key),
        (&["--key", "key.json", "--format", "csv"], Some("/nope"), only_key),
        (&[], Some("/nope"), only_variable),
        (&["--format", "csv"], Some("/nope"), only_variable),
        (&["--property", "1"], None, only_property),
        (&["--property", "1", "--format", "csv"], Some(""), only_property),
        (&["--format", "csv"], None, neither),
        (&["--metrics", "sessions"], Some(""), neither),
        (&["--token-url", "http://127.0.0.1:1"], None, neither),
        (&["--api-url", "http://127.0.0.1:1"], None, neither),
    ];
    for (arguments, variable, message) in cases {
        let mut program = command(arguments.iter().copied());
        variable.map(|value| program.env(VARIABLE, value));
        assert_failed(&run(&mut program), 2, &format!("{message}{HALF}"));
    }
}

#[test]
fn fake_and_google_exclude_each_other() {
    for option in ["--key", "--property", "--token-url", "--api-url"] {
        let message = format!(
            "error: --fake and {option} exclude each other: --fake prints made-up figures; leave out --fake \
             for the figures of a property, or {option} for made-up ones\n"
        );
        assert_failed(&getdata(["--fake", option, "1"]), 2, &message);
    }
}

#[test]
fn variable_and_property_make_a_whole_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = json_endpoint(200, REPORT);
    // The first run writes the key file that the second finds by the variable.
    run(&mut command_with_key(&server, folder.path(), &[]));
    let token_url = format!("{}/token", server.url);
    let output =
        run(command(["--property", "properties/1234", "--api-url", &server.url, "--token-url", &token_url])
            .args(columns(REPORT))
            .env(VARIABLE, folder.path().join("key.json")));
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
    assert!(stdout(&output).starts_with("screenPageViews: 9007199254740995\n"), "{}", stdout(&output));
}

#[test]
fn wrong_usage_has_a_status_of_its_own() {
    for id in ["UA-12345-1", "G-ABC123XYZ0", "my site"] {
        let output = getdata(["--key", "key.json", "--property", id]);
        let message = format!("error: {id:?} is ");
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), ""));
        assert!(stderr(&output).starts_with(&message), "{}", stderr(&output));
    }
    for limit in ["0", "250001", "x", "-1", "1.5", ""] {
        let message = format!(
            "error: invalid value '{limit}' for '--limit <N>': give a whole number from 1 to 250000\n\n\
             For more information, try '--help'.\n"
        );
        assert_failed(&getdata([&format!("--limit={limit}")[..]]), 2, &message);
    }
    for arguments in [&["--format", "xml"][..], &["--unknown"], &["stray"]] {
        let output = getdata(arguments.iter().copied());
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), ""), "{arguments:?}");
    }
}

#[test]
fn lists_and_orders_that_name_nothing_are_told_so() {
    let nothing = "error: --order-by names nothing to sort by; name one of --metrics or --dimensions, with a \
                   minus for largest first\n";
    for order in ["", " ", "-", "- "] {
        assert_failed(&getdata(["--fake", "--order-by", order]), 2, nothing);
    }
    assert_failed(
        &getdata(["--fake", "--order-by", "-us\u{1b}ers"]),
        2,
        "error: --order-by: \"us\\u{1b}ers\" is neither in --metrics nor in --dimensions; a report is sorted \
         by what it shows\n",
    );
    for metrics in ["", " ", ",", " , "] {
        assert_failed(
            &getdata(["--fake", "--metrics", metrics]),
            2,
            "error: --metrics names nothing to count; give at least one name, such as sessions\n",
        );
    }
}

#[test]
fn column_that_is_named_twice_is_told_with_its_options() {
    let cases: [(&[&str], &str); 6] = [
        (&["--metrics", "sessions,sessions"], "--metrics names \"sessions\" twice; name each column once"),
        (
            &["--dimensions", "country, pagePath,country"],
            "--dimensions names \"country\" twice; name each column once",
        ),
        (
            &["--metrics", "sessions", "--dimensions", "country, sessions"],
            "--metrics and --dimensions both name \"sessions\"; name each column once",
        ),
        (
            &["--dimensions", "sessions"],
            "--dimensions names \"sessions\", and so does --metrics, which is screenPageViews,sessions by \
             default; name each column once: leave \"sessions\" out, or give --metrics other names",
        ),
        (
            &["--metrics", "sessions,pagePath"],
            "--metrics names \"pagePath\", and so does --dimensions, which is pagePath by default; name each \
             column once: leave \"pagePath\" out, or give --dimensions other names",
        ),
        (&["--metrics", "a\u{1b},a\u{1b}"], "--metrics names \"a\\u{1b}\" twice; name each column once"),
    ];
    for (arguments, text) in cases {
        assert_failed(&run(command(["--fake"]).args(arguments)), 2, &format!("error: {text}\n"));
    }
}

#[test]
fn empty_values_are_wrong_usage() {
    for option in ["--key", "--property", "--start", "--end", "--token-url", "--api-url"] {
        let output = getdata([option, ""]);
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), ""), "{option}");
        let message = format!("error: a value is required for '{option} <");
        assert!(stderr(&output).starts_with(&message), "{}", stderr(&output));
    }
}

#[test]
fn wrong_urls_are_wrong_usage() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("key.json");
    std::fs::write(&key, THROW_AWAY_KEY_JSON).expect("written");
    for (option, name) in [("--token-url", "token endpoint"), ("--api-url", "API")] {
        let arguments = ["--key", key.to_str().expect("a path"), "--property", "1234"];
        let output = run(command(arguments).args([option, "http://example.com"]));
        let message = format!(
            "error: {option}: the {name} URL is plain http to another machine; give an https URL, or http \
             with a loopback IP address such as http://127.0.0.1:8080\n"
        );
        assert_failed(&output, 2, &message);
    }
}

#[test]
fn failed_query_prints_the_error_by_display() {
    let output = getdata(["--key", "no/such/key.json", "--property", "1234"]);
    let error = ServiceAccountKey::from_file("no/such/key.json").expect_err("no file");
    assert_failed(&output, 1, &format!("error: {error}\n"));

    let refusing =
        Endpoint::always(400, r#"{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}"#);
    let output = with_throw_away_key(&refusing, &[]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(1), ""));
    assert!(stderr(&output).contains("invalid_grant (Invalid JWT Signature.)"), "{}", stderr(&output));
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));

    let output = getdata(["--fake", "--metrics", "pageviews"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("Field pageviews is not a valid metric"), "{}", stderr(&output));
}

#[test]
fn account_without_access_is_told_whom_to_add_where() {
    let refusal = json!({"error": {
        "code": 403,
        "message": "User does not have sufficient permissions for this property.",
        "status": "PERMISSION_DENIED",
    }});
    let output = with_throw_away_key(&json_endpoint(403, &refusal.to_string()), &[]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(1), ""));
    let advice = "add fake@throw-away.iam.gserviceaccount.com to property 1234 as a Viewer";
    assert!(stderr(&output).contains(advice), "{}", stderr(&output));
}

#[test]
fn version_is_the_crates() {
    for option in ["--version", "-V"] {
        let output = getdata([option]);
        let version = format!("getdata {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!((output.status.code(), stdout(&output), stderr(&output)), (Some(0), version.as_str(), ""));
    }
}

#[test]
fn help_says_how_lists_are_written_and_where_names_are() {
    for words in [
        "comma-separated",
        "https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema",
        "GOOGLE_APPLICATION_CREDENTIALS  the key file, where there is no --key",
        "HTTPS_PROXY, else ALL_PROXY     the proxy on the way to Google, as \
         http://[user:password@]host[:port]",
        "NO_PROXY                        hosts that are reached without it: ",
        "made up",
        "in quotes",
        "formula",
        "Exit status: 0, 1 for a failed query, 2 for wrong usage",
    ] {
        assert!(help().contains(words), "{words}: {}", help());
    }
    let wide: Vec<&str> = help().lines().filter(|line| line.chars().count() > 110).collect();
    assert!(wide.is_empty(), "{wide:?}");
}

/// The program's own texts; what it shows of the crate's is checked on every run of these tests.
#[test]
fn every_option_that_a_text_of_the_program_names_is_in_help() {
    for source in [
        include_str!("../../examples/getdata/advice.rs"),
        include_str!("../../examples/getdata/arguments.rs"),
        include_str!("../../examples/getdata/fake.rs"),
        include_str!("../../examples/getdata/main.rs"),
        include_str!("../../examples/getdata/notes.rs"),
        include_str!("../../examples/getdata/print.rs"),
        include_str!("../../examples/getdata/text.rs"),
        include_str!("../../examples/getdata/v3.rs"),
        include_str!("../../examples/getdata/wait.rs"),
    ] {
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        let code: Vec<&str> = source.lines().filter(is_code).collect();
        assert_options_are_in_help(&code.join("\n"));
    }
}

#[test]
fn closed_pipe_is_the_readers_choice() {
    let mut child = command(["--fake", "--limit", "100"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("getdata runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!stderr(&output).contains("error"), "{}", stderr(&output));
}

#[cfg(target_os = "linux")]
#[test]
fn write_error_is_shown_with_its_cause() {
    let full = || std::fs::File::options().write(true).open("/dev/full").expect("/dev/full");
    let output = run(command(["--fake"]).stdout(full()));
    assert_failed(
        &output,
        1,
        &format!(
            "{MADE_UP}error: cannot write to the standard output\n\
             caused by: No space left on device (os error 28)\n"
        ),
    );
    // Where nothing can be said either, the status still holds.
    assert_eq!(run(command(["--fake"]).stdout(full()).stderr(full())).status.code(), Some(1));
    assert_eq!(run(command(["--fake"]).stderr(full())).status.code(), Some(0));
}
