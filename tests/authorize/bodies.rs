//! Bodies from a reader: when they can be sent again, and that nothing of them is lost.

use super::util::server::{Act, Server};
use super::*;
use std::cell::Cell;
use std::io::{self, Read};

/// A reader that counts how often it is called.
struct Counting<'a> {
    bytes: &'a [u8],
    calls: &'a Cell<usize>,
}

impl Read for Counting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.calls.set(self.calls.get() + 1);
        self.bytes.read(buffer)
    }
}

/// A server that refuses a request by `decide`, before it reads the body.
fn deciding(decide: impl Fn(&Received) -> Option<Answer> + Send + Sync + 'static) -> Endpoint {
    Endpoint::deciding(decide, |_| ok())
}

fn refuse_old(request: &Received) -> Option<Answer> {
    is_old(request).then(unauthorized)
}

#[test]
fn stream_that_is_refused_unread_is_sent_again() {
    for length in [Some(6), None] {
        let (server, tokens, calls) = (deciding(refuse_old), numbered(), Cell::new(0));
        let api = api(Arc::clone(&tokens), &server.url);
        let body = RequestBody::reader(Counting { bytes: b"stream", calls: &calls }, length);
        let response = api.send(post(&server.url, body)).expect("a response");
        assert_eq!((response.status().as_u16(), response.body().as_slice()), (200, b"ok".as_slice()));
        assert_eq!(sent(&server), pairs(&[("token-1", ""), ("token-2", "stream")]));
        assert_eq!(invalidated(&tokens), ["token-1"]);
        for request in server.received() {
            assert_eq!(request.header("expect"), Some("100-continue"));
        }
    }
}

#[test]
fn stream_that_was_read_is_not_sent_again_and_its_token_is_invalidated() {
    // This server does not know `Expect`: the body comes after a second, and then the refusal.
    let (server, tokens) = (server(), numbered());
    let api = api(Arc::clone(&tokens), &server.url);
    let body = RequestBody::reader(b"stream".as_slice(), Some(6));
    let response = api.send(post(&server.url, body)).expect("a response");
    assert_eq!((response.status().as_u16(), response.body().as_slice()), (401, b"refused".as_slice()));
    assert_eq!(sent(&server), pairs(&[("token-1", "stream")]));
    assert_eq!(invalidated(&tokens), ["token-1"]);
    // The next request has another token.
    assert_eq!(api.send(get(&server.url)).expect("a response").status(), 200);
}

#[test]
fn stream_that_is_refused_unread_twice_is_not_read_at_all() {
    let (server, tokens, calls) = (deciding(|_| Some(unauthorized())), numbered(), Cell::new(0));
    let body = RequestBody::reader(Counting { bytes: b"stream", calls: &calls }, None);
    let response = api(Arc::clone(&tokens), &server.url).send(post(&server.url, body)).expect("a response");
    assert_eq!((response.status().as_u16(), calls.get()), (401, 0));
    assert_eq!(sent(&server), pairs(&[("token-1", ""), ("token-2", "")]));
}

#[test]
fn stream_that_is_refused_unread_for_another_reason_is_not_sent_again() {
    let server = deciding(|_| Some((413, Vec::new(), b"too large".to_vec())));
    let (tokens, calls) = (numbered(), Cell::new(0));
    let body = RequestBody::reader(Counting { bytes: b"stream", calls: &calls }, None);
    let response = api(Arc::clone(&tokens), &server.url).send(post(&server.url, body)).expect("a response");
    assert_eq!((response.status().as_u16(), response.body().as_slice()), (413, b"too large".as_slice()));
    assert_eq!((calls.get(), server.received().len(), invalidated(&tokens).len()), (0, 1, 0));
}

#[test]
fn server_that_refuses_to_be_asked_gets_the_stream_without() {
    let server = deciding(|request| request.header("expect").map(|_| (417, Vec::new(), Vec::new())));
    let body = RequestBody::reader(b"stream".as_slice(), Some(6));
    let response = api(numbered(), &server.url).send(post(&server.url, body)).expect("a response");
    assert_eq!(response.status(), 200);
    assert_eq!(sent(&server), pairs(&[("token-1", ""), ("token-1", "stream")]));
    assert_eq!(server.received()[1].header("expect"), None);
}

#[test]
fn leave_with_headers_in_it_is_done_without() {
    let with_headers = b"HTTP/1.1 100 Continue\r\nConnection: keep-alive\r\n\r\n".to_vec();
    let asked = vec![Act::ReadHead, Act::Send(with_headers), Act::AwaitLeaving];
    let answering = vec![Act::Answer(Arc::new(|_| ok()))];
    let script = move |connection| if connection == 0 { asked.clone() } else { answering.clone() };
    let (server, calls) = (Server::start(script, Vec::new()), Cell::new(0));
    let body = RequestBody::reader(Counting { bytes: b"stream", calls: &calls }, Some(6));
    let response = api(numbered(), &server.url()).send(post(&server.url(), body)).expect("a response");
    assert_eq!(response.status(), 200);
    let requests = server.received();
    assert_eq!((requests.len(), requests[1].body.as_slice()), (2, b"stream".as_slice()));
    assert_eq!(requests[0].header("expect"), Some("100-continue"));
    assert_eq!(requests[1].header("expect"), None);
}

#[test]
fn bodies_in_memory_and_empty_streams_go_without_asking() {
    let server = deciding(|_| None);
    let api = api(numbered(), &server.url);
    api.send(post(&server.url, "bytes")).expect("a response");
    api.send(get(&server.url)).expect("a response");
    api.send(post(&server.url, RequestBody::reader(io::empty(), Some(0)))).expect("a response");
    for request in server.received() {
        assert_eq!(request.header("expect"), None, "{}", request.line);
    }
}

#[test]
fn large_stream_arrives_whole() {
    let server = deciding(|_| None);
    let content: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    for length in [Some(content.len() as u64), None] {
        let body = RequestBody::reader(content.as_slice(), length);
        let request = Request::put(&server.url).body(body).expect("a request");
        assert_eq!(api(numbered(), &server.url).send(request).expect("a response").status(), 200);
        let received = server.received().pop().expect("a request");
        assert!(received.body == content, "{} bytes", received.body.len());
    }
}

#[test]
fn delete_with_a_stream_has_its_body() {
    let server = deciding(refuse_old);
    for length in [Some(6), None] {
        let body = RequestBody::reader(b"stream".as_slice(), length);
        let request = Request::delete(&server.url).body(body).expect("a request");
        assert_eq!(api(numbered(), &server.url).send(request).expect("a response").status(), 200);
        assert_eq!(server.received().pop().expect("a request").body, b"stream");
    }
}

#[test]
fn response_can_be_the_body_of_another_request() {
    let content = "0123456789".repeat(100_000);
    let body = content.clone();
    let server = Endpoint::deciding(
        |_| None,
        move |request| {
            let body = if request.line.starts_with("GET") { body.clone().into_bytes() } else { Vec::new() };
            (200, Vec::new(), body)
        },
    );
    let api = api(numbered(), &server.url);
    let down = api.stream(get(&server.url)).expect("a response");
    let request = Request::put(&server.url).body(RequestBody::reader(down.into_body(), None));
    let up = api.stream(request.expect("a request")).expect("a response");
    assert_eq!(up.status(), 200);
    let received = server.received().pop().expect("a request");
    assert!(received.body == content.as_bytes(), "{} bytes", received.body.len());
}

#[test]
fn agent_of_a_caller_sends_a_stream_without_asking() {
    let (server, tokens) = (server(), numbered());
    let transport = UreqTransport::with_agent(ureq::Agent::new_with_defaults());
    let api = Authorized::new(Arc::clone(&tokens), transport).with_host(&server.url).expect("a host");
    let body = RequestBody::reader(b"stream".as_slice(), Some(6));
    assert_eq!(api.send(post(&server.url, body)).expect("a response").status(), 401);
    let received = server.received().pop().expect("a request");
    assert_eq!((received.header("expect"), received.body.as_slice()), (None, b"stream".as_slice()));
    assert_eq!(invalidated(&tokens), ["token-1"]);
}
