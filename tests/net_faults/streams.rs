//! Bodies that stream over TLS, with a token.

use super::certificates::{Authority, NAME};
use super::connections::{environment_has_proxy, trusting};
use super::util::server::{Act, Answer, Received, Server};
use shortway::http::{Request, RequestBody, UreqTransport};
use shortway::testing::ScriptedSource;
use shortway::{Authorized, Error, ErrorKind};
use std::io::{self, Read};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

fn api(authority: &Authority, server: &Server) -> Authorized {
    let tokens = ScriptedSource::numbered();
    Authorized::new(tokens, trusting(authority)).with_host(&url(server)).expect("a host")
}

fn url(server: &Server) -> String {
    format!("https://{}/", server.address)
}

/// Refuses the first token by the head of a request, and takes every other.
fn deciding() -> Act {
    let refuse = |request: &Received| -> Option<Answer> {
        let is_old = request.header("Authorization") == Some("Bearer token-1");
        is_old.then(|| (401, Vec::new(), b"refused".to_vec()))
    };
    let answer = |_: &Received| -> Answer { (200, Vec::new(), b"ok".to_vec()) };
    Act::Decide(Arc::new(refuse), Arc::new(answer))
}

/// Sends a megabyte from a reader to `url`, and reads `ok` in return.
fn upload(api: &Authorized, url: &str) {
    let content = content();
    let request = Request::post(url).body(RequestBody::reader(content.as_slice(), None));
    let response = api.stream(request.expect("a request")).expect("a response");
    assert_eq!(response.status(), 200);
    assert_eq!(io::read_to_string(response.into_body()).expect("a body"), "ok");
}

fn content() -> Vec<u8> {
    (0..1_000_000_u32).map(|i| (i % 251) as u8).collect()
}

/// Each request, by its first word and the length of its body.
fn sent(server: &Server) -> Vec<(String, usize)> {
    let received = server.received();
    let method = |request: &Received| request.line.split(' ').next().unwrap_or_default().to_owned();
    received.iter().map(|request| (method(request), request.body.len())).collect()
}

#[test]
fn upload_that_is_refused_unread_over_tls_is_sent_again() {
    if environment_has_proxy() {
        eprintln!("SKIPPED: the environment names a proxy, and a caller's agent does not send `Expect`");
        return;
    }
    let authority = Authority::new();
    let server = Server::always(vec![Act::Upgrade(authority.server()), deciding()]);
    upload(&api(&authority, &server), &url(&server));
    assert_eq!(sent(&server), [("POST".to_owned(), 0), ("POST".to_owned(), 1_000_000)]);
    assert!(server.received()[1].body == content());
}

/// Set in the child process, whose environment names a proxy: the root certificate that it trusts.
const ROOT: &str = "SHORTWAY_TEST_STREAM_ROOT";

#[test]
fn upload_that_is_refused_unread_behind_a_proxy_is_sent_again() {
    let host = format!("https://{NAME}/");
    if let Ok(pem) = std::env::var(ROOT) {
        let transport = UreqTransport::with_root_certificates(pem.as_bytes()).expect("a root certificate");
        let api = Authorized::new(ScriptedSource::numbered(), transport).with_host(&host).expect("a host");
        upload(&api, &host);
        return;
    }
    let authority = Authority::new();
    let connected = Act::Send("HTTP/1.1 200 Connection established\r\n\r\n".into());
    let proxy = Server::always(vec![Act::Read, connected, Act::Upgrade(authority.server()), deciding()]);
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "streams::upload_that_is_refused_unread_behind_a_proxy_is_sent_again"]);
    for name in ["https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"] {
        command.env_remove(name);
    }
    command.env("HTTPS_PROXY", format!("http://{}", proxy.address)).env(ROOT, authority.pem());
    let output = command.output().expect("a child");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let expected = [("CONNECT", 0), ("POST", 0), ("CONNECT", 0), ("POST", 1_000_000)];
    assert_eq!(sent(&proxy), expected.map(|(method, length)| (method.to_owned(), length)));
}

#[test]
fn download_over_tls_has_a_limit_for_each_read_and_none_in_all() {
    let authority = Authority::new();
    let limit = Duration::from_secs(1);
    let mut acts = vec![
        Act::Upgrade(authority.server()),
        Act::Read,
        Act::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n".to_vec()),
    ];
    for _ in 0..6 {
        acts.extend([Act::Wait(limit / 4), Act::Send(b"a".to_vec())]);
    }
    acts.push(Act::Hang);
    let server = Server::always(acts);
    let api = api(&authority, &server).with_timeout(limit).with_read_timeout(limit);
    let response = api.stream(Request::get(url(&server)).body(()).expect("a request")).expect("a response");
    let mut body = response.into_body();
    let mut read = [0; 6];
    body.read_exact(&mut read).expect("six bytes, in more than the limit");
    assert_eq!(&read, b"aaaaaa");
    let error = io::read_to_string(body).expect_err("silence").downcast::<Error>().expect("an error of ours");
    let text = format!("{} sent nothing more of its response for 1 s", server.address);
    assert_eq!((error.kind(), error.message()), (ErrorKind::Timeout, text.as_str()));
}
