//! What the crate advises is said in the words of the program.

use crate::certificates::Authority;
use crate::util::server::{Act, Server};
use crate::{assert_failed, command, json_endpoint, run, with_throw_away_key};
use serde_json::json;
use shortway::testing::THROW_AWAY_KEY_JSON;

/// Runs with the throw-away key, changed, in a file, and these arguments and variables.
#[track_caller]
fn assert_says(key: &str, arguments: &[&str], variables: &[(&str, &str)], text: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key.json");
    std::fs::write(&path, key).expect("written");
    let mut command = command(["--property", "1234", "--key"]);
    let output = run(command.arg(&path).args(arguments).envs(variables.iter().copied()));
    let path = path.to_str().expect("a path");
    assert_failed(&output, 1, &format!("error: {}\n", text.replace("KEY", path)));
}

#[test]
fn foreign_token_uri_leads_to_the_option() {
    let key = THROW_AWAY_KEY_JSON.replace("https://oauth2.googleapis.com/token", "https://example.com/token");
    assert_ne!(key, THROW_AWAY_KEY_JSON);
    assert_says(
        &key,
        &[],
        &[],
        "the `token_uri` of the key file is not one of Google's token endpoints, so nothing is sent there; \
         it should be https://oauth2.googleapis.com/token; to use another endpoint on purpose, name it with \
         --token-url",
    );
}

#[test]
fn socks_proxy_has_a_way_out_for_an_operator() {
    assert_says(
        THROW_AWAY_KEY_JSON,
        &[],
        &[("ALL_PROXY", "socks5://127.0.0.1:1080")],
        "cannot get a token for fake@throw-away.iam.gserviceaccount.com: the proxy that ALL_PROXY names \
         cannot be used: it is a SOCKS proxy; if there is an HTTP proxy, set ALL_PROXY to http://host:port, \
         or unset it to connect directly",
    );
}

#[test]
fn key_that_is_not_a_file_on_a_disk_leads_to_a_file() {
    assert_failed(
        &run(&mut command(["--property", "1234", "--key", r#"{"type": "service_account"}"#])),
        1,
        "error: what was given as the path of a key file is the key itself; write it to a file\n",
    );
    assert_says(
        "",
        &[],
        &[],
        "KEY: the key file is empty: its length is 0; if it is not a file on a disk, copy it to one",
    );
}

#[test]
fn certificate_of_a_proxy_leads_to_the_roots_of_the_system() {
    let authority = Authority::new();
    let server = Server::always(vec![Act::Upgrade(authority.server()), Act::AwaitLeaving]);
    let url = format!("https://{}/token", server.address);
    let way = if cfg!(feature = "platform-verifier") {
        "add its root certificate to those that this system trusts"
    } else {
        "build getdata with the feature platform-verifier, so that it trusts what this system trusts"
    };
    assert_says(
        THROW_AWAY_KEY_JSON,
        &["--token-url", &url],
        &[],
        &format!(
            "cannot get a token for fake@throw-away.iam.gserviceaccount.com: the TLS connection to {} \
             failed: its certificate is from an issuer that is not trusted here; if a proxy opens TLS \
             connections here, {way}",
            server.address
        ),
    );
}

#[test]
fn quota_without_details_has_no_word_of_the_api() {
    let refusal = json!({"error": {"code": 429, "message": "Exhausted.", "status": "RESOURCE_EXHAUSTED"}});
    assert_failed(
        &with_throw_away_key(&json_endpoint(429, &refusal.to_string()), &[]),
        1,
        "error: Analytics refused the report on property 1234: Exhausted; a quota is exhausted; --quota shows which one; most are reset \
         within an hour, daily ones at midnight Pacific time\n\
         caused by: API error RESOURCE_EXHAUSTED\n",
    );
}
