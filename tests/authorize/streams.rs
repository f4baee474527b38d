//! Responses that are read as they come: the deadline ends with the head, each read has a limit of its own.

use super::util::server::{Act, Server};
use super::*;
use shortway::http::{Response, ResponseBody};
use shortway::{Error, ErrorKind};
use std::io::{self, Read};
use std::time::Duration;

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";

const SHORT: Duration = Duration::from_millis(300);

/// A client with both transports: its own agent's, and a caller's.
fn clients(url: &str) -> [Authorized; 2] {
    let callers = UreqTransport::with_agent(ureq::Agent::new_with_defaults());
    let callers = Authorized::new(numbered(), callers).with_host(url).expect("a host");
    [api(numbered(), url), callers]
}

fn read_to_string(response: Response<ResponseBody>) -> Result<String, Error> {
    io::read_to_string(response.into_body())
        .map_err(|error| error.downcast::<Error>().expect("an error of the crate"))
}

fn told(error: &Error) -> (ErrorKind, String) {
    (error.kind(), without_port(error.message()))
}

#[test]
fn response_is_there_with_its_head() {
    let acts = vec![Act::Read, Act::Send([HEAD, b"ab"].concat()), Act::Hang, Act::Send(b"cd".to_vec())];
    let server = Server::always(acts);
    let response = api(numbered(), &server.url()).stream(get(&server.url())).expect("a response");
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-length"], "4");
    let mut body = response.into_body();
    let mut half = [0; 2];
    body.read_exact(&mut half).expect("the first half");
    // Only now the server sends the rest.
    server.heal();
    assert_eq!((half, io::read_to_string(body).expect("the rest").as_str()), (*b"ab", "cd"));
}

#[test]
fn body_may_take_longer_than_the_deadline_of_its_head() {
    let mut acts = vec![Act::Read, Act::Send(HEAD.to_vec())];
    for piece in [b"a", b"b", b"c", b"d"] {
        acts.extend([Act::Wait(SHORT / 2), Act::Send(piece.to_vec())]);
    }
    let server = Server::always(acts);
    for api in clients(&server.url()) {
        let api = api.with_timeout(SHORT).with_read_timeout(Duration::from_secs(20));
        let response = api.stream(get(&server.url())).expect("a response");
        assert_eq!(read_to_string(response).expect("the whole body"), "abcd");
    }
}

#[test]
fn silence_in_a_body_ends_at_the_limit_of_a_read() {
    let server = Server::always(vec![Act::Read, Act::Send([HEAD, b"ab"].concat()), Act::Hang]);
    for api in clients(&server.url()) {
        let api = api.with_timeout(SHORT).with_read_timeout(SHORT);
        let response = api.stream(get(&server.url())).expect("a response");
        let error = read_to_string(response).expect_err("silence");
        let text = "127.0.0.1:PORT sent nothing more of its response for 0.3 s";
        assert_eq!(told(&error), (ErrorKind::Timeout, text.to_owned()));
        assert!(error.is_retryable());
    }
}

#[test]
fn next_request_on_the_same_connection_has_its_own_limits() {
    let body = [HEAD, b"abcd"].concat();
    let slow = [Act::Send(HEAD.to_vec()), Act::Wait(SHORT * 10), Act::Send(b"abcd".to_vec())];
    let acts = [&[Act::Read, Act::Send(body), Act::Read], slow.as_slice()].concat();
    let server = Server::always(acts);
    let api = api(numbered(), &server.url()).with_read_timeout(Duration::from_secs(3600));
    let response = api.stream(get(&server.url())).expect("a response");
    assert_eq!(read_to_string(response).expect("the body"), "abcd");
    let error = api.with_timeout(SHORT).send(get(&server.url())).expect_err("too slow");
    let text = "127.0.0.1:PORT did not complete its response in time (waited 0.3 s)";
    assert_eq!(told(&error), (ErrorKind::Timeout, text.to_owned()));
    assert_eq!(server.connections(), 1);
}

#[test]
fn deadline_holds_up_to_the_head_however_it_drips() {
    let drip = Act::Drip(b"X-A: b\r\n".to_vec(), Duration::from_millis(20));
    let acts = vec![Act::Read, Act::Send(b"HTTP/1.1 200 OK\r\n".to_vec()), drip];
    let server = Server::always(acts);
    for api in clients(&server.url()) {
        let error = api.with_timeout(SHORT).stream(get(&server.url())).expect_err("no head");
        let text = "127.0.0.1:PORT did not respond in time (waited 0.3 s)";
        assert_eq!(told(&error), (ErrorKind::Timeout, text.to_owned()));
    }
}

#[test]
fn deadline_holds_for_an_upload_that_the_server_does_not_read() {
    let server = Server::always(vec![Act::Hang]);
    for api in clients(&server.url()) {
        let request = post(&server.url(), RequestBody::reader(io::repeat(b'a'), None));
        let error = api.with_timeout(SHORT * 5).stream(request).expect_err("never read");
        let text = "127.0.0.1:PORT did not respond in time (waited 1.5 s)";
        assert_eq!(told(&error), (ErrorKind::Timeout, text.to_owned()));
    }
}

/// A reader that takes its time before it ends.
struct Slow(Duration);

impl Read for Slow {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        std::thread::sleep(self.0);
        Ok(0)
    }
}

#[test]
fn deadline_counts_the_upload_and_the_wait_for_the_head_together() {
    let answer = Act::Send([HEAD, b"late"].concat());
    let leave = Act::Send(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec());
    // Head, leave, the last chunk, and then the response.
    let acts = vec![Act::ReadHead, leave, Act::ReadBytes(5), Act::Wait(SHORT), answer, Act::AwaitLeaving];
    let server = Server::always(acts);
    let request = || post(&server.url(), RequestBody::reader(Slow(SHORT), None));
    let api = api(numbered(), &server.url()).with_timeout(SHORT * 5 / 3);
    let error = api.stream(request()).expect_err("neither of the two is too long, both are");
    let text = "127.0.0.1:PORT did not respond in time (waited 0.5 s)";
    assert_eq!(told(&error), (ErrorKind::Timeout, text.to_owned()));
    let patient = api.with_timeout(Duration::from_secs(60));
    assert_eq!(read_to_string(patient.stream(request()).expect("a response")).expect("a body"), "late");
}

#[test]
fn connection_that_closes_in_a_body_is_told() {
    let server = Server::always(vec![Act::Read, Act::Send([HEAD, b"ab"].concat())]);
    let response = api(numbered(), &server.url()).stream(get(&server.url())).expect("a response");
    let error = read_to_string(response).expect_err("cut");
    let text = "127.0.0.1:PORT closed the connection before its response was complete";
    assert_eq!(told(&error), (ErrorKind::Closed, text.to_owned()));
}

#[test]
fn stream_has_no_cap_but_the_one_that_is_asked_for() {
    let server = Endpoint::start(|_| (200, Vec::new(), vec![b'a'; 3_000_000]));
    let api = api(numbered(), &server.url);
    let whole = api.stream(get(&server.url)).expect("a response");
    assert_eq!(read_to_string(whole).expect("the body").len(), 3_000_000);
    for (cap, is_enough) in [(3_000_000, true), (2_999_999, false), (0, false)] {
        let response = api.clone().with_max_body(cap).stream(get(&server.url)).expect("a response");
        match read_to_string(response) {
            Ok(body) => assert_eq!((body.len(), is_enough), (3_000_000, true)),
            Err(error) => {
                let text = format!("the response of 127.0.0.1:PORT is larger than {cap} bytes");
                assert_eq!((told(&error), is_enough), ((ErrorKind::TooLarge, text), false));
            }
        }
    }
    assert_eq!(api.send(get(&server.url)).expect_err("1 MiB").kind(), ErrorKind::TooLarge);
}

#[test]
fn limit_on_a_response_is_told_with_the_way_to_raise_it() {
    let server = Endpoint::always(200, &"a".repeat(2000));
    let api = api(numbered(), &server.url).with_max_body(1000);
    let error = api.send(get(&server.url)).expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(
        without_port(&error.to_string()),
        "the response of 127.0.0.1:PORT is larger than 1000 bytes; raise the limit with \
         Authorized::with_max_body"
    );
    assert_eq!(api.with_max_body(2000).send(get(&server.url)).expect("a response").body().len(), 2000);
}

#[test]
fn refused_token_is_replaced_for_a_stream_too() {
    let (server, tokens) = (server(), numbered());
    let response = api(Arc::clone(&tokens), &server.url).stream(get(&server.url)).expect("a response");
    assert_eq!(read_to_string(response).expect("a body"), "ok");
    assert_eq!(sent(&server), pairs(&[("token-1", ""), ("token-2", "")]));
    assert_eq!(invalidated(&tokens), ["token-1"]);
}

#[test]
fn connection_is_kept_after_a_stream_that_is_read_to_its_end() {
    let server = Endpoint::start(|_| ok());
    let api = api(numbered(), &server.url);
    for _ in 0..3 {
        read_to_string(api.stream(get(&server.url)).expect("a response")).expect("a body");
    }
    assert_eq!(server.connections(), 1);
}

#[cfg(feature = "gzip")]
mod gzip {
    use super::*;
    use std::io::Write as _;

    fn packed(body: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(body).expect("packed");
        encoder.finish().expect("packed")
    }

    /// What a client that takes gzip gets of a server that sends `body` and says it is gzip.
    fn stream(body: Vec<u8>, cap: usize) -> Result<String, Error> {
        let server = Endpoint::start(move |_| (200, vec![("Content-Encoding", "gzip".into())], body.clone()));
        let api = api(numbered(), &server.url).with_gzip(true).with_max_body(cap);
        let response = api.stream(get(&server.url))?;
        for name in ["content-encoding", "content-length"] {
            assert!(!response.headers().contains_key(name), "{name}");
        }
        read_to_string(response)
    }

    #[test]
    fn compressed_stream_is_unpacked_under_the_cap() {
        let content = "a".repeat(5000);
        assert_eq!(stream(packed(content.as_bytes()), 5000).expect("unpacked"), content);
        let error = stream(packed(content.as_bytes()), 4999).expect_err("too large");
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert_eq!(
            stream(b"not gzip at all".to_vec(), 5000).expect_err("damaged").kind(),
            ErrorKind::Protocol
        );
        let cut = packed(content.as_bytes());
        let error = stream(cut[..cut.len() - 4].to_vec(), 5000).expect_err("cut");
        assert_eq!(error.kind(), ErrorKind::Closed);
    }

    #[test]
    fn head_of_a_compressed_response_is_not_unpacked() {
        let answer = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 31\r\n\r\n";
        let server =
            Server::always(vec![Act::Read, Act::Send(answer.into()), Act::Read, Act::Send(answer.into())]);
        let api = api(numbered(), &server.url()).with_gzip(true);
        let head = || Request::head(server.url()).body(()).expect("a request");
        let whole = api.send(head()).expect("a response");
        assert_eq!(whole.headers()["content-encoding"], "gzip");
        assert!(whole.body().is_empty());
        let stream = api.stream(head()).expect("a response");
        assert_eq!(stream.headers()["content-length"], "31");
        assert_eq!(read_to_string(stream).expect("no body"), "");
    }
}
