//! The transport and the reading of responses: every response is bounded, every wait ends, nothing is
//! followed.

mod util;

use shortway::http::{
    HeaderMap, Method, Request, RequestBody, Response, ResponseBody, Timeouts, Transport, UreqTransport,
};
use shortway::testing::ManualClock;
use shortway::{Authorized, Error, ErrorKind, Token, TokenKind, TokenSource};
use std::io::{self, Read};
use std::net::TcpListener;
use std::time::{Duration, Instant};
use util::endpoint::{Answer, Endpoint, Received};
use util::server::{Act, Server};

/// Sends over `transport` as it is: no limit on the body.
fn exchange<'a>(
    transport: &UreqTransport,
    request: Request<impl Into<RequestBody<'a>>>,
) -> Result<Response<Vec<u8>>, Error> {
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts, body.into());
    let (parts, mut body) = transport.send(request, Timeouts::new(Duration::from_secs(5)))?.into_parts();
    let mut bytes = Vec::new();
    body.read_to_end(&mut bytes)
        .map_err(|error| error.downcast::<Error>().expect("an error of the crate"))?;
    Ok(Response::from_parts(parts, bytes))
}

fn get(url: &str) -> Request<()> {
    Request::get(url).body(()).expect("a request")
}

fn tokens() -> impl TokenSource + 'static {
    shortway::from_fn(|| {
        let end = std::time::SystemTime::now() + Duration::from_secs(3600);
        Token::new(TokenKind::Access, "ya29.token", end)
    })
}

/// An API at `url` called through `transport`, with bodies of up to 1000 bytes and gzip.
fn api(transport: impl Transport + 'static, url: &str) -> Authorized {
    Authorized::new(tokens(), transport)
        .with_host(url)
        .expect("a host")
        .with_max_body(1000)
        .with_gzip(true)
        .with_timeout(Duration::from_secs(5))
}

fn send(answer: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Result<Response<Vec<u8>>, Error> {
    let server = Endpoint::start(answer);
    api(UreqTransport::new(), &server.url).send(get(&server.url))
}

/// The message, with a word for the port of the server.
fn message(error: &Error) -> String {
    let (before, rest) = error.message().split_once("127.0.0.1:").expect("a port");
    format!("{before}127.0.0.1:PORT{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[test]
fn request_arrives_as_it_was_given() {
    let server = Endpoint::always(418, "short and stout");
    let url = format!("{}/path?q=1", server.url);
    let request = Request::post(&url).header("X-Test", "yes").body("question").expect("a request");
    let response = api(UreqTransport::new(), &server.url).send(request).expect("a response");
    assert_eq!(
        (response.status().as_u16(), response.body().as_slice()),
        (418, b"short and stout".as_slice())
    );
    assert_eq!(response.headers()["content-type"], "application/json");
    exchange(&UreqTransport::new(), get(&server.url)).expect("a response");
    let [post, get] = server.received().try_into().expect("two requests");
    assert_eq!(
        (post.line.as_str(), post.body.as_slice()),
        ("POST /path?q=1 HTTP/1.1", b"question".as_slice())
    );
    assert_eq!((post.header("X-Test"), post.header("Content-Length")), (Some("yes"), Some("8")));
    assert_eq!(
        post.header("Accept-Encoding"),
        Some(if cfg!(feature = "gzip") { "gzip" } else { "identity" })
    );
    assert_eq!((get.line.as_str(), get.header("Accept-Encoding")), ("GET / HTTP/1.1", Some("identity")));
    assert_eq!(get.body, b"");
}

#[test]
fn every_method_is_sent_with_and_without_a_body() {
    let server = Endpoint::always(200, "");
    let transport = UreqTransport::new();
    for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
        for body in ["", "content"] {
            let mut request = Request::new(RequestBody::from(body));
            *request.method_mut() = method.clone();
            *request.uri_mut() = server.url.parse().expect("a URI");
            exchange(&transport, request).unwrap_or_else(|error| panic!("{method} {body:?}: {error}"));
            let received = server.received().pop().expect("a request");
            assert_eq!(received.line, format!("{method} / HTTP/1.1"));
            assert_eq!(received.body, body.as_bytes(), "{method}");
        }
    }
}

#[test]
fn body_of_a_reader_is_sent_by_its_length_or_in_chunks() {
    let server = Endpoint::always(200, "");
    let content = "0123456789".repeat(10_000);
    for length in [Some(100_000), None] {
        let body = RequestBody::reader(content.as_bytes(), length);
        exchange(&UreqTransport::new(), Request::post(&server.url).body(body).expect("a request"))
            .expect("a response");
        let received = server.received().pop().expect("a request");
        assert_eq!(received.body, content.as_bytes());
        assert_eq!(received.header("content-length"), length.map(|_| "100000"));
        assert_eq!(
            received.header("transfer-encoding"),
            if length.is_some() { None } else { Some("chunked") }
        );
    }
    // No more than was said.
    let body = RequestBody::reader(content.as_bytes(), Some(10));
    exchange(&UreqTransport::new(), Request::post(&server.url).body(body).expect("a request"))
        .expect("a response");
    assert_eq!(server.received().pop().expect("a request").body, b"0123456789");
}

/// A reader that fails.
struct Failing(io::ErrorKind);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.into())
    }
}

#[test]
fn reader_that_ends_early_or_fails_is_a_fault_of_the_request_and_not_of_the_network() {
    let server = Endpoint::always(200, "");
    let send = |body: RequestBody<'_>| {
        let request = Request::post(&server.url).body(body).expect("a request");
        exchange(&UreqTransport::new(), request).expect_err("no body").to_string()
    };
    assert_eq!(
        send(RequestBody::reader("short".as_bytes(), Some(10))),
        "the request cannot be sent: its body ended before the 10 bytes of its length"
    );
    for kind in [io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof, io::ErrorKind::TimedOut] {
        for length in [None, Some(10)] {
            assert_eq!(
                send(RequestBody::reader(Failing(kind), length)),
                format!("the request cannot be sent: its body cannot be read ({kind})")
            );
        }
    }
}

#[test]
fn connection_is_kept_for_the_next_request_and_closed_after_an_error() {
    let server = Endpoint::start(|request| match request.line.as_str() {
        "GET /large HTTP/1.1" => (200, Vec::new(), vec![b'a'; 2 << 20]),
        _ => (200, Vec::new(), b"small".to_vec()),
    });
    let transport = UreqTransport::new();
    let get = |path: &str| api(transport.clone(), &server.url).send(get(&format!("{}{path}", server.url)));
    for _ in 0..3 {
        get("/").expect("a response");
    }
    assert_eq!(server.connections(), 1);
    get("/large").expect_err("too large");
    get("/").expect("a response");
    assert_eq!(server.connections(), 2);
}

/// How many connections two requests to a server that answers with `response` need.
fn connections_of_two(response: &'static str) -> usize {
    let server =
        Server::always(vec![Act::Read, Act::Send(response.into()), Act::Read, Act::Send(response.into())]);
    let transport = UreqTransport::new();
    for _ in 0..2 {
        let response = exchange(&transport, get(&server.url())).expect(response);
        assert_eq!(response.body(), b"hello");
    }
    server.connections()
}

#[test]
fn ambiguous_framing_closes_the_connection() {
    for (response, connections) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 1),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 1),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0003;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nX: \
             y\r\n\r\n",
            1,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: \
             chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            2,
        ),
    ] {
        assert_eq!(connections_of_two(response), connections, "{response}");
    }
}

#[test]
fn head_of_a_chunked_response_without_a_body_leaves_the_connection_usable() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let not_modified = "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n";
    let whole = format!("{head}5\r\nhello\r\n0\r\n\r\n");
    for (method, first) in [(Method::HEAD, head), (Method::GET, not_modified)] {
        let acts = vec![Act::Read, Act::Send(first.into()), Act::Read, Act::Send(whole.clone().into())];
        let (server, transport) = (Server::always(acts), UreqTransport::new());
        let mut request = get(&server.url());
        *request.method_mut() = method;
        assert_eq!(exchange(&transport, request).expect(first).body(), b"");
        assert_eq!(exchange(&transport, get(&server.url())).expect("a response").body(), b"hello");
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn chunk_sizes_with_a_sign_and_unknown_transfer_codings_are_not_http() {
    let not_http = "the response of SERVER is not valid HTTP; check host and port; a proxy or another \
                    program may have answered instead";
    let coding = "SERVER sent a response in a transfer coding that was not requested";
    for (headers, body, message) in [
        ("Transfer-Encoding: chunked", "+5\r\nhello\r\n0\r\n\r\n", not_http),
        ("Transfer-Encoding: chunked", "5\r\nhello\r\n+5\r\nhello\r\n0\r\n\r\n", not_http),
        ("Transfer-Encoding: chunked", "5\r\nhello\r\n+0\r\n\r\n", not_http),
        ("Transfer-Encoding: chunked", "-5\r\nhello\r\n0\r\n\r\n", not_http),
        ("Content-Length: 5\r\nTransfer-Encoding: gzip", "hello", coding),
        ("Transfer-Encoding: gzip, chunked", "5\r\nhello\r\n0\r\n\r\n", coding),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n", coding),
    ] {
        let response = format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n{body}");
        let acts = vec![Act::Read, Act::Send(response.clone().into()), Act::AwaitLeaving];
        let server = Server::always(acts);
        let (transport, message) = (UreqTransport::new(), message.replace("SERVER", &server.address));
        for connections in 1..=2 {
            let error = exchange(&transport, get(&server.url())).expect_err(&response);
            assert_eq!(
                (error.kind(), error.to_string()),
                (ErrorKind::Protocol, message.clone()),
                "{response}"
            );
            assert_eq!(server.connections(), connections, "{response}");
        }
    }
}

#[test]
fn request_that_cannot_be_sent_is_refused_before() {
    let server = Endpoint::always(200, "");
    for name in ["Content-Length", "Transfer-Encoding", "Host", "Connection", "TE", "Trailer", "Upgrade"] {
        let request = Request::post(&server.url).header(name, "0").body("content").expect("a request");
        let error = exchange(&UreqTransport::new(), request).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Config);
        let length = "; give the length of a body with RequestBody::reader";
        let more = if ["Content-Length", "Transfer-Encoding"].contains(&name) { length } else { "" };
        assert_eq!(
            error.to_string(),
            format!(
                "the request cannot be sent: its header `{}` is set by the transport; leave the header out{more}",
                name.to_ascii_lowercase()
            )
        );
    }
    assert_eq!(server.connections(), 0);
    let error =
        Error::from(Request::get(&server.url).header("X-Bad", "a\r\nb").body(()).expect_err("not valid"));
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Config, "the request cannot be sent: its URL or one of its headers is not valid")
    );
}

#[test]
fn settings_for_another_agent_and_another_version_in_a_request_do_not_count() {
    let (server, agent) = (Endpoint::always(200, "ok"), ureq::Agent::new_with_defaults());
    let mut request = agent.configure_request(get(&server.url)).https_only(true).build();
    *request.version_mut() = ureq::http::Version::HTTP_2;
    let response = exchange(&UreqTransport::new(), request).expect("a response");
    assert_eq!(response.body(), b"ok");
    assert_eq!(server.received()[0].line, "GET / HTTP/1.1");
}

#[test]
fn methods_that_are_not_sent_are_refused_before() {
    let server = Endpoint::always(200, "");
    for method in ["CONNECT", "TRACE", "PROPFIND"] {
        let request = Request::builder().method(method).uri(&server.url).body(()).expect("a request");
        let error = exchange(&UreqTransport::new(), request).expect_err(method);
        assert_eq!(error.kind(), ErrorKind::Config);
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn plain_http_goes_to_this_machine_alone() {
    for url in ["http://example.com/", "HTTP://example.com/", "http://localhost:1/"] {
        let error = exchange(&UreqTransport::new(), get(url)).expect_err(url);
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    }
}

#[test]
fn long_error_page_is_cut_and_its_status_kept() {
    let response = send(|_| (502, Vec::new(), vec![b'a'; 5000])).expect("a response");
    assert_eq!((response.status().as_u16(), response.body().len()), (502, 1000));
    let server = Endpoint::start(|_| (502, Vec::new(), vec![b'a'; 1 << 20]));
    let api = api(UreqTransport::new(), &server.url).with_max_body(usize::MAX);
    let response = api.send(get(&server.url)).expect("a response");
    assert_eq!(response.body().len(), 64 * 1024);
}

#[test]
fn absurd_time_limit_is_no_panic() {
    let server = Endpoint::always(200, "ok");
    let request = Request::get(&server.url).body(RequestBody::Empty).expect("a request");
    let timeouts = Timeouts::new(Duration::MAX).with_head(Duration::MAX);
    UreqTransport::new().send(request, timeouts).expect("a response");
}

#[test]
fn root_certificates_must_be_some_and_sound() {
    let none = "there is no root certificate in what was given; give PEM text with at least one block \
                -----BEGIN CERTIFICATE-----";
    let damaged = "a root certificate is damaged: it is not PEM, or its content is not a certificate";
    let block = |tag: &str, body: &str| format!("-----BEGIN {tag}-----\n{body}\n-----END {tag}-----\n");
    for (pem, message) in [
        (String::new(), none),
        ("# no certificate here\n".to_owned(), none),
        (block("PUBLIC KEY", "AAAA"), none),
        (block("CERTIFICATE", "AAAA"), damaged),
        (block("CERTIFICATE", "*"), damaged),
        // One whole SEQUENCE, but no certificate.
        (block("CERTIFICATE", "MIGAAAAA"), damaged),
        (block("CERTIFICATE", "MAMCAQE="), damaged),
        ("-----BEGIN CERTIFICATE-----\nAAAA".to_owned(), damaged),
    ] {
        let error = UreqTransport::with_root_certificates(pem.as_bytes()).expect_err(message);
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Config, message), "{pem}");
    }
}

#[test]
fn redirect_is_a_response_and_not_followed() {
    let target = Endpoint::always(200, "followed");
    let url = target.url.clone();
    let response =
        send(move |_| (302, vec![("Location", url.clone())], b"<html>".to_vec())).expect("a response");
    assert_eq!((response.status().as_u16(), response.body().as_slice()), (302, b"".as_slice()));
    assert!(target.received().is_empty());
}

#[test]
fn body_of_just_the_cap_is_taken_and_one_byte_more_is_not() {
    let response = send(|_| (200, Vec::new(), vec![b'a'; 1000])).expect("just the cap");
    assert_eq!(response.body().len(), 1000);
    let error = send(|_| (200, Vec::new(), vec![b'a'; 1001])).expect_err("too large");
    assert_eq!(
        (error.kind(), message(&error).as_str()),
        (ErrorKind::TooLarge, "the response of 127.0.0.1:PORT is larger than 1000 bytes")
    );
}

#[cfg(feature = "gzip")]
mod gzip {
    use super::*;
    use std::io::Write;

    pub(crate) fn packed(body: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(body).expect("packed");
        encoder.finish().expect("packed")
    }

    fn gzip(body: Vec<u8>) -> Result<Response<Vec<u8>>, Error> {
        send(move |_| (200, vec![("Content-Encoding", "gzip".into())], body.clone()))
    }

    #[test]
    fn compressed_response_is_unpacked_under_the_cap() {
        let response = gzip(packed(&[b'a'; 1000])).expect("unpacked");
        assert_eq!(response.body(), &[b'a'; 1000]);
        assert!(!response.headers().contains_key("content-encoding"));
        let two = [packed(b"one, "), packed(b"two")].concat();
        assert_eq!(gzip(two).expect("two members").body(), b"one, two");
        for body in [vec![b'a'; 1001], vec![b'a'; 5_000_000]] {
            let error = gzip(packed(&body)).expect_err("too large");
            assert_eq!(error.kind(), ErrorKind::TooLarge);
        }
    }

    #[test]
    fn damaged_compression_is_an_error() {
        let mut wrong_sum = packed(b"hello");
        let place = wrong_sum.len() - 6;
        wrong_sum[place] ^= 1;
        for body in [wrong_sum, b"not gzip at all".to_vec()] {
            let error = gzip(body).expect_err("damaged");
            assert_eq!(
                (error.kind(), message(&error).as_str()),
                (ErrorKind::Protocol, "the compressed response of 127.0.0.1:PORT is damaged")
            );
        }
        let cut = packed(&[b'a'; 900]);
        for end in [1, 9, cut.len() - 20, cut.len() - 4] {
            let error = gzip(cut[..end].to_vec()).expect_err("cut");
            assert_eq!(
                (error.kind(), message(&error).as_str()),
                (ErrorKind::Closed, "127.0.0.1:PORT closed the connection before its response was complete"),
                "{end}"
            );
        }
    }
}

#[test]
fn encoding_that_was_not_requested_is_refused() {
    let error = send(|_| (200, vec![("Content-Encoding", "br".into())], b"x".to_vec())).expect_err("br");
    assert_eq!(
        (error.kind(), message(&error).as_str()),
        (ErrorKind::Protocol, "127.0.0.1:PORT sent a response in a content coding that was not requested")
    );
}

/// A transport whose responses have this body.
struct Giving<F>(F);

impl<R: Read + Send + 'static, F: Fn() -> (HeaderMap, R) + Send + Sync> Transport for Giving<F> {
    fn send(&self, _: Request<RequestBody<'_>>, _: Timeouts) -> Result<Response<ResponseBody>, Error> {
        let (headers, reader) = self.0();
        let mut response = Response::new(ResponseBody::reader(reader));
        *response.headers_mut() = headers;
        Ok(response)
    }
}

#[test]
fn errors_of_a_body_are_told_by_what_broke() {
    use io::ErrorKind as Io;
    let url = "https://h.example/";
    let hint = "run the job again later; if it repeats, look for a firewall or proxy in the way";
    let closed = "h.example closed the connection before its response was complete";
    for (io, kind, message) in [
        (Io::UnexpectedEof, ErrorKind::Closed, closed),
        (Io::ConnectionReset, ErrorKind::Closed, closed),
        (Io::ConnectionAborted, ErrorKind::Closed, closed),
        (Io::BrokenPipe, ErrorKind::Closed, closed),
        (
            Io::TimedOut,
            ErrorKind::Timeout,
            "the deadline passed before the response of h.example was complete",
        ),
        (Io::Other, ErrorKind::Closed, "the connection to h.example failed: other error"),
    ] {
        for encoding in ["identity", "gzip"] {
            if encoding == "gzip" && cfg!(not(feature = "gzip")) {
                continue;
            }
            let body = move || {
                let headers = [("content-encoding", encoding)];
                let headers = headers.map(|(n, v)| (n.parse().expect("a name"), v.parse().expect("a value")));
                (HeaderMap::from_iter(headers), Failing(io))
            };
            let error = api(Giving(body), url).send(get(url)).expect_err("broken");
            assert_eq!((error.kind(), error.message()), (kind, message), "{io:?} in {encoding}");
            assert_eq!(error.hint(), Some(hint), "{io:?} in {encoding}");
        }
    }
    // A transport's own error comes out as it is.
    let own = || {
        let error = Error::new(ErrorKind::Tls, "TLS is broken");
        (HeaderMap::new(), Box::new(FailingWith(Some(error))) as Box<dyn Read + Send>)
    };
    let error = api(Giving(own), url).send(get(url)).expect_err("broken");
    assert_eq!((error.kind(), error.message()), (ErrorKind::Tls, "TLS is broken"));
}

/// A reader that fails with an error of the crate.
struct FailingWith(Option<Error>);

impl Read for FailingWith {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other(self.0.take().expect("read once")))
    }
}

/// A body of `left` bytes during each piece of which a second passes.
struct Slow {
    clock: ManualClock,
    bytes: io::Cursor<Vec<u8>>,
}

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.clock.advance(Duration::from_secs(1));
        let most = buffer.len().min(100);
        self.bytes.read(&mut buffer[..most])
    }
}

#[test]
fn time_limit_holds_while_a_response_is_read_and_unpacked() {
    let content = vec![b'a'; 900];
    // Nine pieces and the end of a plain body take ten seconds.
    for (limit, is_in_time) in [(11, true), (5, false)] {
        let clock = ManualClock::new();
        let (body, ticking) = (content.clone(), clock.clone());
        let giving =
            move || (HeaderMap::new(), Slow { clock: ticking.clone(), bytes: io::Cursor::new(body.clone()) });
        let api = api(Giving(giving), "https://h.example")
            .with_clock(clock)
            .with_timeout(Duration::from_secs(limit));
        match api.send(get("https://h.example/")) {
            Ok(response) => assert_eq!((response.body().len(), is_in_time), (900, true)),
            Err(error) => assert_eq!(
                (error.kind(), error.message(), is_in_time),
                (
                    ErrorKind::Timeout,
                    "the deadline passed before the response of h.example was complete",
                    false
                )
            ),
        }
    }
}

#[cfg(feature = "gzip")]
#[test]
fn time_limit_holds_in_a_small_body_that_unpacks_to_very_much() {
    let clock = ManualClock::new();
    let (body, ticking) = (gzip::packed(&vec![b'a'; 8 << 20]), clock.clone());
    assert!((20_000..100_000).contains(&body.len()), "hundreds of pieces, {} bytes", body.len());
    let giving = move || {
        let headers = [("content-encoding".parse().expect("a name"), "gzip".parse().expect("a value"))];
        let slow = Slow { clock: ticking.clone(), bytes: io::Cursor::new(body.clone()) };
        (HeaderMap::from_iter(headers), slow)
    };
    let api = api(Giving(giving), "https://h.example").with_max_body(100 << 20).with_clock(clock.clone());
    let begin = shortway::Clock::monotonic(&clock);
    let error =
        api.with_timeout(Duration::from_secs(50)).send(get("https://h.example/")).expect_err("too slow");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let took = shortway::Clock::monotonic(&clock) - begin;
    assert!(took < Duration::from_secs(60), "it was read on after its deadline: {took:?}");
}

#[test]
fn silent_server_is_abandoned_at_the_time_limit() {
    let (server, begin) = (Server::always(vec![Act::Hang]), Instant::now());
    let limit = Duration::from_millis(300);
    for timeouts in [Timeouts::new(limit), Timeouts::new(Duration::from_secs(60)).with_head(limit)] {
        let request = Request::get(server.url()).body(RequestBody::Empty).expect("a request");
        let error = UreqTransport::new().send(request, timeouts).expect_err("silence");
        let text = format!(
            "{} did not respond in time (waited 0.3 s); run the job again later; if it repeats, look for a \
             firewall or proxy in the way",
            server.address
        );
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Timeout, text));
    }
    assert!(begin.elapsed() < limit * 20, "{:?}", begin.elapsed());
}

#[test]
fn limit_for_the_head_does_not_cut_a_body() {
    let pause = Duration::from_millis(400);
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    let server =
        Server::always(vec![Act::Read, Act::Send(head.into()), Act::Wait(pause), Act::Send("ok".into())]);
    let request = Request::get(server.url()).body(RequestBody::Empty).expect("a request");
    let timeouts = Timeouts::new(Duration::from_secs(20)).with_head(pause / 2);
    let mut body = String::new();
    let response = UreqTransport::new().send(request, timeouts).expect("a response");
    response.into_body().read_to_string(&mut body).expect("the whole body");
    assert_eq!(body, "ok");
}

#[test]
fn refused_connections_and_unresolved_names_are_told_apart() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let error =
        exchange(&UreqTransport::new(), get(&format!("http://{closed}/"))).expect_err("nobody listens");
    assert_eq!(
        (error.kind(), error.to_string()),
        (
            ErrorKind::Connect,
            format!(
                "cannot connect to {closed}: connection refused; no program accepts connections there: \
                 check host and port, or a firewall refuses them"
            )
        )
    );
    let agent = ureq::Agent::config_builder().proxy(None).build().new_agent();
    for transport in [UreqTransport::new(), UreqTransport::with_agent(agent)] {
        let error = exchange(&transport, get("https://no-such-host.invalid/")).expect_err("no such host");
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (
                ErrorKind::Dns,
                "cannot resolve no-such-host.invalid; check that this machine has a network and that its \
                 DNS works"
            )
        );
    }
}

#[test]
fn debug_shows_no_body() {
    let texts = format!(
        "{:?} {:?} {:?}",
        RequestBody::from("ya29.secret"),
        RequestBody::reader("ya29.secret".as_bytes(), Some(11)),
        ResponseBody::from(b"ya29.secret".to_vec())
    );
    assert!(!texts.contains("secret"), "{texts}");
}
