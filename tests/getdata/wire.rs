//! The way to Google: a real key file over a real socket, checked with openssl alone.

use crate::util::endpoint::Received;
use crate::util::openssl;
use crate::{REPORT, TOKEN, getdata, json_endpoint, stderr, stdout};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

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
    let server = json_endpoint(200, REPORT);
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
    let (views, rate) = (9_007_199_254_740_993_u64, 0.597_560_975_609_756_1);
    assert_eq!(
        printed,
        json!({
            "totals": {"screenPageViews": 9_007_199_254_740_995_u64, "engagementRate": 0.7},
            "rows": [
                {"pagePath": "/a,\"b\"=", "screenPageViews": views, "engagementRate": rate},
                {"pagePath": "(not set)", "screenPageViews": 2, "engagementRate": 1.0},
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
            "returnPropertyQuota": true,
        })
    );
}

#[test]
fn second_run_with_a_store_requests_no_token_and_says_so() {
    let server = json_endpoint(200, REPORT);
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("token.json").to_str().expect("text").to_owned();
    let columns = crate::columns(REPORT);
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let run = |rest: &[&str]| {
        crate::with_throw_away_key(&server, &[&columns[..], &["--store", &store], rest].concat())
    };
    assert_eq!(stderr(&run(&["-v"])), format!("note: the token was requested, and saved in {store}\n"));
    let told = format!("note: the token comes from {store}, no request was made for it\n");
    assert_eq!((stderr(&run(&["-v"])), stderr(&run(&[]))), (told.as_str(), ""));
    let requests = server.received();
    assert_eq!(requests.iter().filter(|request| request.line.starts_with("POST /token ")).count(), 1);
    assert_eq!(requests.len(), 4);
}
