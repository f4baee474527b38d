//! The transport: every answer is bounded, every wait ends, nothing is followed.

mod util;

use shortway::http::{Request, Response, Transport, UreqTransport};
use shortway::{Error, ErrorKind};
use std::net::TcpListener;
use std::time::{Duration, Instant};
use util::endpoint::{Answer, Endpoint, Received};

fn request(url: &str) -> Request<'_> {
    let mut request =
        Request::post(url, b"question").headers(&[("X-Test", "yes")]).timeout(Duration::from_secs(5));
    (request.max_body, request.accept_gzip) = (1000, true);
    request
}

fn send(answer: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Result<Response, Error> {
    let server = Endpoint::start(answer);
    UreqTransport::new().send(&request(&server.url))
}

#[test]
fn request_arrives_as_it_was_given() {
    let server = Endpoint::always(418, "short and stout");
    let transport = UreqTransport::new();
    let response = transport.send(&request(&format!("{}/path?q=1", server.url))).expect("an answer");
    assert_eq!((response.status, response.body.as_slice()), (418, b"short and stout".as_slice()));
    assert_eq!(response.header("content-TYPE"), Some("application/json"));
    transport.send(&Request::get(&server.url)).expect("an answer");
    let [post, get] = server.received().try_into().expect("two requests");
    assert_eq!(
        (post.line.as_str(), post.body.as_slice()),
        ("POST /path?q=1 HTTP/1.1", b"question".as_slice())
    );
    assert_eq!(post.header("X-Test"), Some("yes"));
    assert_eq!(
        post.header("Accept-Encoding"),
        Some(if cfg!(feature = "gzip") { "gzip" } else { "identity" })
    );
    assert_eq!((get.line.as_str(), get.header("Accept-Encoding")), ("GET / HTTP/1.1", Some("identity")));
}

#[test]
fn connection_is_kept_for_the_next_request_and_given_up_after_an_error() {
    let server = Endpoint::start(|request| match request.line.as_str() {
        "GET /large HTTP/1.1" => (200, Vec::new(), vec![b'a'; 2 << 20]),
        _ => (200, Vec::new(), b"small".to_vec()),
    });
    let transport = UreqTransport::new();
    let get = |path: &str| transport.clone().send(&Request::get(&format!("{}{path}", server.url)));
    for _ in 0..3 {
        get("/").expect("an answer");
    }
    assert_eq!(server.connections(), 1);
    get("/large").expect_err("too large");
    get("/").expect("an answer");
    assert_eq!(server.connections(), 2);
}

#[test]
fn what_cannot_be_sent_is_told_before_it_is() {
    for (url, headers) in [("not a url", &[][..]), ("http://127.0.0.1:1/", &[("X-Bad", "a\r\nb")])] {
        let error = UreqTransport::new().send(&Request::get(url).headers(headers)).expect_err("not valid");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(error.to_string(), "a request cannot be sent: its URL or one of its headers is not valid");
    }
}

#[test]
fn plain_http_goes_to_this_machine_alone() {
    for url in ["http://example.com/", "HTTP://example.com/", "http://localhost:1/"] {
        let error = UreqTransport::new().send(&Request::get(url)).expect_err(url);
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    }
}

#[test]
fn long_error_page_is_cut_and_its_status_kept() {
    let response = send(|_| (502, Vec::new(), vec![b'a'; 5000])).expect("an answer");
    assert_eq!((response.status, response.body.len()), (502, 1000));
}

#[test]
fn absurd_time_limit_is_no_panic() {
    let server = Endpoint::always(200, "ok");
    UreqTransport::new().send(&Request::get(&server.url).timeout(Duration::MAX)).expect("an answer");
}

#[test]
fn root_certificates_must_be_some() {
    for (pem, message) in [
        ("", "there is no root certificate in what was given"),
        (
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
            "there is no root certificate in what was given",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            "a root certificate is damaged: it is no PEM or no DER inside",
        ),
        (
            "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----",
            "a root certificate is damaged: it is no PEM or no DER inside",
        ),
    ] {
        let error = UreqTransport::with_root_certificates(pem.as_bytes()).expect_err(message);
        assert_eq!((error.kind(), error.message()), (ErrorKind::Config, message));
    }
}

#[test]
fn redirect_is_an_answer_and_not_followed() {
    let target = Endpoint::always(200, "followed");
    let url = target.url.clone();
    let response = send(move |_| (302, vec![("Location", url.clone())], Vec::new())).expect("an answer");
    assert_eq!(response.status, 302);
    assert!(target.received().is_empty());
}

#[test]
fn body_of_just_the_cap_is_taken_and_one_byte_more_is_not() {
    let response = send(|_| (200, Vec::new(), vec![b'a'; 1000])).expect("just the cap");
    assert_eq!(response.body.len(), 1000);
    let error = send(|_| (200, Vec::new(), vec![b'a'; 1001])).expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[cfg(feature = "gzip")]
mod gzip {
    use super::*;
    use std::io::Write;

    fn packed(body: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(body).expect("packed");
        encoder.finish().expect("packed")
    }

    fn gzip(body: Vec<u8>) -> Result<Response, Error> {
        send(move |_| (200, vec![("Content-Encoding", "gzip".into())], body.clone()))
    }

    #[test]
    fn compressed_answer_is_unpacked_under_the_cap() {
        assert_eq!(gzip(packed(&[b'a'; 1000])).expect("unpacked").body, [b'a'; 1000]);
        let error = gzip(packed(&[b'a'; 1001])).expect_err("too large");
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        let error = gzip(packed(&vec![b'a'; 5_000_000])).expect_err("a bomb");
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }

    #[test]
    fn damaged_compression_is_told() {
        let mut wrong_sum = packed(b"hello");
        let place = wrong_sum.len() - 6;
        wrong_sum[place] ^= 1;
        for body in [wrong_sum, b"not gzip at all".to_vec()] {
            let error = gzip(body).expect_err("damaged");
            assert_eq!(error.kind(), ErrorKind::Protocol);
            assert_eq!(error.message().split(' ').next(), Some("the"), "{error}");
        }
        let cut = packed(&[b'a'; 900]);
        gzip(cut[..cut.len() - 4].to_vec()).expect_err("cut");
    }
}

#[test]
fn encoding_that_was_not_asked_for_is_refused() {
    let error =
        send(|_| (200, vec![("Content-Encoding", "br".into())], b"x".to_vec())).expect_err("not asked for");
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.message().ends_with("answered in an encoding that was not asked for"), "{error}");
}

#[test]
fn silent_server_is_left_at_the_time_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let begin = Instant::now();
    let limit = Duration::from_millis(300);
    let error = UreqTransport::new().send(&request(&url).timeout(limit)).expect_err("silence");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.message().ends_with("did not answer within 0.3 s"), "{error}");
    assert!(begin.elapsed() < limit * 10, "{:?}", begin.elapsed());
}

#[test]
fn what_broke_is_told_apart() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let error =
        UreqTransport::new().send(&request(&format!("http://{closed}/"))).expect_err("nobody listens");
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert_eq!(error.to_string(), format!("cannot connect to {closed}: connection refused"));
    let error =
        UreqTransport::new().send(&request("https://no-such-host.invalid/")).expect_err("no such host");
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Dns, "cannot resolve no-such-host.invalid")
    );
}

#[test]
fn debug_shows_no_header_and_no_body() {
    let url = "https://example.com/";
    let secrets = request(url).headers(&[("Authorization", "Bearer ya29.secret")]);
    let response =
        Response::new(200, vec![("Set-Cookie".into(), "ya29.secret".into())], b"ya29.secret".to_vec());
    let texts = format!("{secrets:?} {response:?}");
    assert!(!texts.contains("secret") && !texts.contains("question"), "{texts}");
}
