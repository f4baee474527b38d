//! The client whose requests have a token: what is sent where, what happens to a token that is refused, and
//! how bodies travel.

mod bodies;
mod json;
mod refused;
mod requests;
mod storms;
mod streams;
#[path = "../util/mod.rs"]
mod util;

use shortway::http::{Request, RequestBody, UreqTransport};
use shortway::testing::ScriptedSource;
use shortway::{Authorized, TokenSource};
use std::sync::Arc;
use util::endpoint::{Answer, Endpoint, Received};

/// Gives `token-1`, `token-2`, ….
fn numbered() -> Arc<ScriptedSource> {
    Arc::new(ScriptedSource::numbered())
}

/// A client of the server at `url`.
fn api(tokens: impl TokenSource + 'static, url: &str) -> Authorized {
    Authorized::new(tokens, UreqTransport::new()).with_host(url).expect("a host")
}

fn get(url: &str) -> Request<()> {
    Request::get(url).body(()).expect("a request")
}

fn post<'a>(url: &str, body: impl Into<RequestBody<'a>>) -> Request<RequestBody<'a>> {
    Request::post(url).body(body.into()).expect("a request")
}

/// Whether a request has the first token.
fn is_old(request: &Received) -> bool {
    request.header("Authorization") == Some("Bearer token-1")
}

fn ok() -> Answer {
    (200, Vec::new(), b"ok".to_vec())
}

fn unauthorized() -> Answer {
    (401, Vec::new(), b"refused".to_vec())
}

/// Answers 401 to the first token, 200 to every other.
fn server() -> Endpoint {
    Endpoint::start(|request| if is_old(request) { unauthorized() } else { ok() })
}

/// The bearer and the body of each request.
fn sent(server: &Endpoint) -> Vec<(String, String)> {
    let header = |r: &Received| r.header("Authorization").unwrap_or_default().to_owned();
    let received = server.received();
    received.iter().map(|r| (header(r), String::from_utf8_lossy(&r.body).into_owned())).collect()
}

/// The same, to compare with.
fn pairs(sent: &[(&str, &str)]) -> Vec<(String, String)> {
    sent.iter().map(|(bearer, body)| (format!("Bearer {bearer}"), (*body).to_owned())).collect()
}

/// The tokens that the source was told are refused.
fn invalidated(source: &ScriptedSource) -> Vec<String> {
    source.invalidated().iter().map(|token| token.expose_secret().to_owned()).collect()
}

/// `text` with a word for the port of the server.
fn without_port(text: &str) -> String {
    let Some((before, rest)) = text.split_once("127.0.0.1:") else { return text.to_owned() };
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{before}127.0.0.1:PORT{}", without_port(rest))
}
