//! The example program as its users run it: arguments in, stdout, stderr and exit status out.
#![cfg(feature = "analytics")]

mod util;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::{Value, json};
use shortway::testing::THROW_AWAY_KEY_JSON;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;
use util::endpoint::{Endpoint, Received};
use util::openssl;

/// The built example beside this test's own program.
fn program() -> PathBuf {
    let me = std::env::current_exe().expect("this program");
    let folder = me.parent().and_then(Path::parent).expect("target/debug");
    let program = folder.join("examples").join(format!("getdata{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "build it first: cargo build --example getdata");
    program
}

fn getdata<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Output {
    let mut command = Command::new(program());
    command.args(arguments).env_remove("GOOGLE_APPLICATION_CREDENTIALS");
    for proxy in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"] {
        command.env_remove(proxy).env_remove(proxy.to_lowercase());
    }
    command.output().expect("getdata runs")
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("UTF-8")
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("UTF-8")
}

#[track_caller]
fn assert_failed(output: &Output, status: i32, lines: &str) {
    assert_eq!((output.status.code(), stdout(output), stderr(output)), (Some(status), "", lines));
}

/// A report as Google sends it: pretty, totals beside the rows.
const REPORT: &str = r#"{
  "dimensionHeaders": [
    {
      "name": "pagePath"
    }
  ],
  "metricHeaders": [
    {
      "name": "screenPageViews",
      "type": "TYPE_INTEGER"
    },
    {
      "name": "engagementRate",
      "type": "TYPE_FLOAT"
    }
  ],
  "rows": [
    {
      "dimensionValues": [{"value": "/a,\"b\"\u003d"}],
      "metricValues": [{"value": "9007199254740993"}, {"value": "0.59756097560975607"}]
    },
    {
      "dimensionValues": [{"value": "(not set)"}],
      "metricValues": [{"value": "2"}, {"value": "1"}]
    }
  ],
  "totals": [
    {
      "dimensionValues": [{"value": "RESERVED_TOTAL"}],
      "metricValues": [{"value": "9007199254740995"}, {"value": "0.7"}]
    }
  ],
  "rowCount": 2,
  "metadata": {
    "currencyCode": "USD",
    "timeZone": "America/Los_Angeles"
  },
  "kind": "analyticsData#runReport"
}
"#;

const TOKEN: &str = "ya29.c.b0Aaekm1K-from_the.endpoint";

/// Speaks the wire protocol: a token endpoint and an API.
fn endpoint() -> Endpoint {
    Endpoint::start(|request| {
        let json = vec![("Content-Type", "application/json; charset=utf-8".to_owned())];
        if request.line.starts_with("POST /token ") {
            let token = json!({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"});
            (200, json, token.to_string().into_bytes())
        } else {
            (200, json, REPORT.as_bytes().to_vec())
        }
    })
}

/// A key file in exactly the shape that Google hands out, its key made by openssl.
fn new_key_file(folder: &Path) -> PathBuf {
    let pem = openssl::new_rsa_key(folder).replace('\n', "\\n");
    let text = format!(
        r#"{{
  "type": "service_account",
  "project_id": "nightly-figures",
  "private_key_id": "0123456789abcdef0123456789abcdef01234567",
  "private_key": "{pem}",
  "client_email": "nightly@nightly-figures.iam.gserviceaccount.com",
  "client_id": "103456789012345678901",
  "auth_uri": "https://accounts.google.com/o/oauth2/auth",
  "token_uri": "https://oauth2.googleapis.com/token",
  "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
  "client_x509_cert_url": "https://www.googleapis.com/robot/v1/metadata/x509/nightly%40nightly-figures.iam.gserviceaccount.com",
  "universe_domain": "googleapis.com"
}}
"#
    );
    let path = folder.join("key.json");
    std::fs::write(&path, text).expect("written");
    path
}

/// The fields of a form, decoded; each may stand there once.
fn form(body: &[u8]) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    for pair in std::str::from_utf8(body).expect("text").split('&') {
        let (name, value) = pair.split_once('=').expect("name=value");
        let value = value.replace("%3A", ":");
        assert!(!value.contains(['%', '+']), "further escapes in {value}");
        assert!(fields.insert(name.to_owned(), value).is_none(), "{name} twice");
    }
    fields
}

#[test]
fn real_key_file_real_socket_and_openssl_agree() {
    if !openssl::is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let key = new_key_file(folder.path());
    let server = endpoint();
    let (token_url, before) = (format!("{}/token", server.url), seconds_now());
    let output = getdata([
        "--key",
        key.to_str().expect("a path"),
        "--property",
        "123456789",
        "--start",
        "2026-01-01",
        "--end",
        "2026-01-31",
        "--metrics",
        "screenPageViews,engagementRate",
        "--dimensions",
        "pagePath",
        "--order-by",
        "-screenPageViews",
        "--limit",
        "5",
        "--format",
        "json",
        "--token-url",
        &token_url,
        "--api-url",
        &server.url,
    ]);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
    let printed: Value = serde_json::from_str(stdout(&output)).expect("JSON");
    assert_eq!(
        printed,
        json!({
            "totals": {"screenPageViews": 9_007_199_254_740_995_u64, "engagementRate": 0.7},
            "rows": [
                {"pagePath": "/a,\"b\"=", "screenPageViews": 9_007_199_254_740_993_u64, "engagementRate": 0.597_560_975_609_756_1},
                {"pagePath": "(not set)", "screenPageViews": 2, "engagementRate": 1},
            ],
            "rowCount": 2,
        })
    );

    let [token_request, api_request] = server.received().try_into().expect("two requests");
    check_token_request(&token_request, &token_url, folder.path(), before);
    check_api_request(&api_request);
}

fn seconds_now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs()
}

/// Form, signature and claims, checked with openssl alone.
fn check_token_request(request: &Received, token_url: &str, folder: &Path, before: u64) {
    assert_eq!(request.line, "POST /token HTTP/1.1");
    assert_eq!(request.header("Content-Type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.header("Authorization"), None);
    let form = form(&request.body);
    assert_eq!(form.keys().collect::<Vec<_>>(), ["assertion", "grant_type"]);
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");

    let parts: Vec<&str> = form["assertion"].split('.').collect();
    let [header, payload, signature] = parts.as_slice().try_into().expect("three parts");
    let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url without padding");
    let (signed, signature_file) = (folder.join("signed"), folder.join("signature"));
    std::fs::write(&signed, format!("{header}.{payload}")).expect("written");
    std::fs::write(&signature_file, decode(signature)).expect("written");
    let path = |p: &Path| p.to_str().expect("a path").to_owned();
    let verdict = openssl::run([
        "dgst".to_owned(),
        "-sha256".to_owned(),
        "-verify".to_owned(),
        path(&folder.join("public.pem")),
        "-signature".to_owned(),
        path(&signature_file),
        path(&signed),
    ]);
    assert_eq!(String::from_utf8_lossy(&verdict), "Verified OK\n");

    let header: Value = serde_json::from_slice(&decode(header)).expect("JSON");
    assert_eq!(
        header,
        json!({"alg": "RS256", "typ": "JWT", "kid": "0123456789abcdef0123456789abcdef01234567"})
    );
    let mut claims: Value = serde_json::from_slice(&decode(payload)).expect("JSON");
    let iat = claims["iat"].take().as_u64().expect("iat");
    let exp = claims["exp"].take().as_u64().expect("exp");
    assert_eq!(exp - iat, 3600);
    assert!(
        (before - 10..=seconds_now() - 10).contains(&iat),
        "iat is 10 s back: {iat}, the test began at {before}"
    );
    assert_eq!(
        claims,
        json!({
            "iss": "nightly@nightly-figures.iam.gserviceaccount.com",
            "scope": "https://www.googleapis.com/auth/analytics.readonly",
            "aud": token_url,
            "iat": null,
            "exp": null,
        })
    );
}

fn check_api_request(request: &Received) {
    assert_eq!(request.line, "POST /v1beta/properties/123456789:runReport?prettyPrint=false HTTP/1.1");
    assert_eq!(request.header("Authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!(request.header("Content-Type"), Some("application/json"));
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    assert_eq!(
        body,
        json!({
            "dateRanges": [{"startDate": "2026-01-01", "endDate": "2026-01-31"}],
            "dimensions": [{"name": "pagePath"}],
            "metrics": [{"name": "screenPageViews"}, {"name": "engagementRate"}],
            "orderBys": [{"metric": {"metricName": "screenPageViews"}, "desc": true}],
            "limit": "5",
            "metricAggregations": ["TOTAL"],
        })
    );
}

fn with_throw_away_key<'a>(server: &'a Endpoint, rest: &[&'a str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("key.json");
    std::fs::write(&key, THROW_AWAY_KEY_JSON).expect("written");
    let token_url = format!("{}/token", server.url);
    let mut arguments =
        vec!["--key", key.to_str().expect("a path"), "--token-url", &token_url, "--api-url", &server.url];
    arguments.extend(rest);
    getdata(arguments)
}

#[test]
fn table_and_csv_of_the_same_report() {
    let server = endpoint();
    let metrics = ["--metrics", "screenPageViews,engagementRate"];
    let output = with_throw_away_key(&server, &[&["--property", "properties/1234"], &metrics[..]].concat());
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
    assert_eq!(
        stdout(&output),
        "screenPageViews: 9007199254740995\nengagementRate: 0.7\n\n\
         pagePath    screenPageViews       engagementRate\n\
         /a,\"b\"=    9007199254740993  0.59756097560975607\n\
         (not set)                 2                    1\n"
    );
    let csv = ["--property", "1234", "--format", "csv"];
    let output = with_throw_away_key(&server, &[&csv[..], &metrics].concat());
    assert_eq!(
        stdout(&output),
        "pagePath,screenPageViews,engagementRate\r\n\
         \"/a,\"\"b\"\"=\",9007199254740993,0.59756097560975607\r\n\
         (not set),2,1\r\n"
    );
}

#[test]
fn without_arguments_the_fake_answers() {
    let output = getdata([]);
    assert_eq!(
        (output.status.code(), stderr(&output)),
        (
            Some(0),
            "note: neither --key nor --property given: asking a fake Google on this machine; its figures are made up\n"
        )
    );
    let text = stdout(&output);
    assert!(text.starts_with("screenPageViews: "), "{text}");
    assert!(text.contains("\npagePath "), "{text}");
    let output = getdata([
        "--format",
        "json",
        "--metrics",
        "screenPageViews",
        "--dimensions",
        "country",
        "--limit",
        "2",
    ]);
    let printed: Value = serde_json::from_str(stdout(&output)).expect("JSON");
    let rows = printed["rows"].as_array().expect("rows");
    assert_eq!((rows.len(), &printed["rowCount"]), (2, &json!(3)));
    assert!(printed["totals"]["screenPageViews"].is_u64());
    assert!(stderr(&output).ends_with("note: 2 of 3 rows shown, see --limit\n"));
}

#[test]
fn failed_query_is_one_line_and_a_hint() {
    let output = getdata(["--key", "no/such/key.json", "--property", "1234"]);
    assert_failed(
        &output,
        1,
        "error: cannot read the key file no/such/key.json: it does not exist\n\
         hint: check the path; it is relative to the directory that the program runs in\n",
    );
    let output = getdata(["--property", "1234"]);
    assert_failed(
        &output,
        1,
        "error: no key file: GOOGLE_APPLICATION_CREDENTIALS is not set\n\
         hint: set it to the path of the service account's JSON key file\n",
    );

    let refusing =
        Endpoint::always(400, r#"{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}"#);
    assert_failed(
        &with_throw_away_key(&refusing, &["--property", "1234"]),
        1,
        "error: the token endpoint refused the assertion: invalid_grant (Invalid JWT Signature.)\n\
         hint: the key was deleted or disabled, or belongs to another account: create a new key and use its file\n",
    );
    let output = getdata(["--metrics", "pageviews"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).ends_with(
            "error: Analytics refused the report on property 1234: Field pageviews is not a valid metric. For a list of \
             valid dimensions and metrics, see \
             https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema\n"
        ),
        "{}",
        stderr(&output)
    );
}

#[test]
fn account_without_access_is_told_whom_to_add_where() {
    let server = Endpoint::start(|request| {
        let json = vec![("Content-Type", "application/json".to_owned())];
        if request.line.starts_with("POST /token ") {
            (200, json, format!(r#"{{"access_token": "{TOKEN}", "expires_in": 3599}}"#).into_bytes())
        } else {
            let refusal = json!({"error": {
                "code": 403,
                "message": "User does not have sufficient permissions for this property.",
                "status": "PERMISSION_DENIED",
            }});
            (403, json, refusal.to_string().into_bytes())
        }
    });
    assert_failed(
        &with_throw_away_key(&server, &["--property", "1234"]),
        1,
        "error: Analytics refused the report on property 1234: User does not have sufficient permissions for this \
         property\n\
         hint: add fake@throw-away.iam.gserviceaccount.com to property 1234 as a Viewer (Google Analytics: Admin, Property \
         access management); if it is there already, check the property id\n",
    );
}

#[test]
fn wrong_usage_has_a_status_of_its_own() {
    const WHERE: &str = "hint: the property id is a number: in Google Analytics open Admin, Property settings, Property \
                         details; it stands at the top right\n";
    for (id, message) in [
        (
            "UA-12345-1",
            "error: \"UA-12345-1\" is the id of a Universal Analytics property; Google shut that product and its API down on \
             1 July 2024\n",
        ),
        (
            "G-ABC123XYZ0",
            "error: \"G-ABC123XYZ0\" is a measurement id: it names a web data stream, which the tag in the pages sends to\n",
        ),
        ("my site", "error: \"my site\" is not a property id\n"),
    ] {
        assert_failed(&getdata(["--key", "key.json", "--property", id]), 2, &format!("{message}{WHERE}"));
    }
    assert_failed(
        &getdata(["--order-by", "-users"]),
        2,
        "error: --order-by users: it is neither in --metrics nor in --dimensions\nhint: only what is shown can be sorted by\n",
    );
    for arguments in
        [&["--limit", "0"][..], &["--format", "xml"], &["--unknown"], &["--key", "key.json"], &["stray"]]
    {
        let output = getdata(arguments.iter().copied());
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), ""), "{arguments:?}");
    }
}
