//! Answers that are no proper HTTP, or stop, or never stop.

use crate::row::{answer, builder, raw, row, run};
use crate::util::server::{Act, GOOD, Server, good};
use shortway::ErrorKind::{Closed, Malformed, Protocol, Redirect, Timeout, TooLarge};
use shortway::http::{Request, RequestBody, Timeouts, Transport, UreqTransport};
use shortway::{Ask, TokenSource};
use std::time::{Duration, Instant};

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
const TOKEN: &str = r#"{"access_token": "ya29.once", "expires_in": 3599, "token_type": "Bearer"}"#;

fn chunked(body: &str) -> Vec<Act> {
    raw(format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{body}"))
}

/// Answers that must be accepted although they are odd.
fn accepted(name: &str, acts: Vec<Act>) {
    let server = Server::always(acts);
    let source = builder(&server.url()).build_uncached().expect("a source");
    for asked in 1..=2 {
        let token = source.token().unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert_eq!(token.expose_secret(), "ya29.once", "{name}");
        assert_eq!(server.connections(), asked, "{name}: the connection was used again");
    }
}

#[test]
fn broken_connection_is_closed_and_retried() {
    let reset = |bytes: String| vec![Act::ReadAlmost, Act::Send(bytes.into_bytes())];
    run(vec![
        row("closed on accept", Closed, vec![]),
        row("empty reply", Closed, vec![Act::Read]),
        row("reset in the request's head", Closed, vec![Act::ReadBytes(10)]),
        row("reset in the request's body", Closed, vec![Act::ReadAlmost]),
        row("reset in the answer's head", Closed, reset(HEAD.to_owned())),
        row("reset in the answer's body", Closed, reset(format!("{HEAD}Content-Length: 74\r\n\r\n{{\"acc"))),
        row(
            "reset in a chunk",
            Closed,
            reset(format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n20\r\n{{\"acc")),
        ),
        row("head cut in the status line", Closed, raw("HTTP/1.1 20")),
        row("head cut in a header", Closed, raw("HTTP/1.1 200 OK\r\nContent-Le")),
        row("head without its empty line", Closed, raw(HEAD)),
        row("no body at all", Closed, raw(format!("{HEAD}Content-Length: 74\r\n\r\n"))),
        row("body cut", Closed, raw(format!("{HEAD}Content-Length: 200\r\n\r\n{TOKEN}"))),
    ]);
}

#[test]
fn invalid_http_is_a_protocol_error_and_requested_twice() {
    let with = |headers: &str| raw(format!("{HEAD}{headers}\r\n{TOKEN}"));
    run(vec![
        row("garbage", Protocol, raw(b"\x00\x01\x02\xff garbage\r\n\r\n")),
        row("SSH", Protocol, raw("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")),
        row("HTTP/0.9", Protocol, raw("<html><body>hello</body></html>\r\n")),
        row("HTTP/2 preface", Protocol, raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")),
        row("HTTP/1.2", Protocol, raw("HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n")),
        row("status of four digits", Protocol, raw("HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n")),
        row("status below 100", Protocol, raw("HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n")),
        row("length negative", Protocol, with("Content-Length: -1\r\n")),
        row("length overflows", Protocol, with("Content-Length: 99999999999999999999\r\n")),
        row("length is no number", Protocol, with("Content-Length: 0x4a\r\n")),
        row("two lengths", Protocol, with("Content-Length: 74\r\nContent-Length: 75\r\n")),
        row("folded header", Protocol, with("X-Long: one\r\n two\r\nContent-Length: 74\r\n")),
        row("space before the colon", Protocol, with("X-Space : x\r\nContent-Length: 74\r\n")),
        row("NUL in a header", Protocol, with("X-Nul: a\0b\r\nContent-Length: 74\r\n")),
    ]);
}

#[test]
fn damaged_chunks_are_errors() {
    run(vec![
        row("size is no hex", Protocol, chunked("zz\r\nabc\r\n0\r\n\r\n")),
        row("size overflows", Protocol, chunked("fffffffffffffffff\r\nabc\r\n0\r\n\r\n")),
        row("cut in a chunk", Closed, chunked("40\r\n{\"access_token\"")),
        row("cut between chunks", Closed, chunked("2\r\n{\"\r\n")),
        row("size without an end", Protocol, chunked(&format!("2;{}", "x".repeat(5_000_000)))),
    ]);
}

#[test]
fn unusual_but_complete_responses_are_accepted_and_their_connections_closed() {
    let (size, half) = (format!("{:x}", TOKEN.len()), TOKEN.len() / 2);
    let (first, second) = TOKEN.split_at(half);
    let close = "Connection: close\r\n";
    let length = format!("Content-Length: {}\r\n", TOKEN.len());
    accepted(
        "length and chunks",
        raw(format!(
            "{HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\n{TOKEN}\r\n0\r\n\r\n"
        )),
    );
    accepted(
        "two chunks",
        chunked(&format!("{half:x}\r\n{first}\r\n{:x};x=y\r\n{second}\r\n0\r\n\r\n", second.len())),
    );
    accepted("no last line end", chunked(&format!("{size}\r\n{TOKEN}\r\n0\r\n")));
    accepted("ended by closing", raw(format!("{HEAD}\r\n{TOKEN}")));
    accepted("bare line feeds", raw(format!("{HEAD}{close}{length}\r\n{TOKEN}").replace("\r\n", "\n")));
    accepted(
        "latin-1 in a header",
        raw([format!("{HEAD}{close}{length}X-Name: caf").as_bytes(), b"\xe9\r\n\r\n", TOKEN.as_bytes()]
            .concat()),
    );
}

#[test]
fn body_that_ends_with_its_connection_must_be_complete() {
    run(vec![
        row("cut JSON", Malformed, raw(format!("{HEAD}\r\n{}", &TOKEN[..40]))),
        row("nothing", Malformed, raw(format!("{HEAD}\r\n"))),
    ]);
}

#[test]
fn responses_without_an_end_are_too_large() {
    let many: String = (0..200).map(|i| format!("X-{i}: x\r\n")).collect();
    let large = format!("X-Large: {}\r\n", "x".repeat(64 * 1024));
    let endless =
        |head: &str, piece: &[u8]| vec![Act::Read, Act::Send(head.into()), Act::Flood(piece.to_vec())];
    run(vec![
        row("header of 64 KiB", TooLarge, answer(200, &large, TOKEN)),
        row("header without an end", TooLarge, endless("HTTP/1.1 200 OK\r\nX: ", &[b'x'; 10_000])),
        row(
            "headers without an end",
            Protocol,
            endless("HTTP/1.1 200 OK\r\n", &b"X-More: x\r\n".repeat(1000)),
        ),
        row("200 headers", Protocol, answer(200, &many, TOKEN)),
        row("body without an end", TooLarge, endless(&format!("{HEAD}\r\n"), &[b' '; 10_000])),
        row(
            "chunks without an end",
            TooLarge,
            endless(&format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n"), b"5\r\nabcde\r\n"),
        ),
        row(
            "length of 1 TB",
            TooLarge,
            endless(&format!("{HEAD}Content-Length: 1000000000000\r\n\r\n"), &[b' '; 10_000]),
        ),
        row(
            "interim answers without an end",
            TooLarge,
            vec![Act::Read, Act::Flood(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(100))],
        ),
    ]);
}

#[test]
fn slow_responses_end_at_the_deadline() {
    let drip = |start: String, piece: &str| {
        vec![Act::Read, Act::Send(start.into_bytes()), Act::Drip(piece.into(), Duration::from_millis(30))]
    };
    run(vec![
        row("silence on accept", Timeout, vec![Act::Hang]),
        row("silence after the request", Timeout, vec![Act::Read, Act::Hang]),
        row("silence in the head", Timeout, vec![Act::Read, Act::Send(HEAD.into()), Act::Hang]),
        row(
            "silence in the body",
            Timeout,
            vec![Act::Read, Act::Send(format!("{HEAD}Content-Length: 74\r\n\r\n{{").into()), Act::Hang],
        ),
        row(
            "silence in a chunk",
            Timeout,
            vec![
                Act::Read,
                Act::Send(format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n4").into()),
                Act::Hang,
            ],
        ),
        row("head drips", Timeout, drip("HTTP/1.1 200 OK\r\nX: ".into(), "x")),
        row("body drips", Timeout, drip(format!("{HEAD}Content-Length: 60000\r\n\r\n"), " ")),
        row("chunks drip", Timeout, drip(format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n"), "1\r\n \r\n")),
        row(
            "interim answers drip",
            Timeout,
            drip(String::new(), "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
        ),
    ]);
}

#[test]
fn compressed_responses_that_were_not_requested_are_refused() {
    let encoded = |encoding: &str| {
        row(encoding, Protocol, answer(200, &format!("Content-Encoding: {encoding}\r\n"), TOKEN))
    };
    run(vec![
        encoded("gzip"),
        encoded("GZIP"),
        encoded("deflate"),
        encoded("br"),
        encoded("gzip, gzip"),
        encoded("x"),
    ]);
    #[cfg(feature = "gzip")]
    compressed_responses_are_bounded_by_their_decoded_size();
}

#[cfg(feature = "gzip")]
fn compressed_responses_are_bounded_by_their_decoded_size() {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    for _ in 0..8 {
        encoder.write_all(&vec![b' '; 1 << 20]).expect("packed");
    }
    let bomb = encoder.finish().expect("packed");
    let get = |encoding: &str, body: &[u8]| {
        let server = Server::always(answer(200, &format!("Content-Encoding: {encoding}\r\n"), body));
        let tokens =
            builder(&Server::always(answer(200, "", TOKEN)).url()).build_uncached().expect("a source");
        let api = shortway::Authorized::new(tokens, UreqTransport::new());
        let api = api.with_host(&server.url()).expect("a host").with_gzip(true);
        api.send(Request::get(server.url()).body(()).expect("a request"))
    };
    assert_eq!(get("gzip", &bomb).expect_err("a bomb").kind(), TooLarge);
    assert_eq!(get("gzip, gzip", &bomb).expect_err("twice").kind(), Protocol);
    assert_eq!(get("gzip", b"\x1f\x8b\x08\x00damaged all along").expect_err("damaged").kind(), Protocol);
    assert_eq!(get("gzip", &bomb[..500]).expect_err("cut").kind(), Closed);
}

#[test]
fn body_of_just_the_cap_is_a_token() {
    let padded = |length: usize| answer(200, "", format!("{TOKEN}{}", " ".repeat(length - TOKEN.len())));
    accepted("65,536 bytes", padded(65_536));
    run(vec![row("65,537 bytes", TooLarge, padded(65_537))]);
}

#[test]
fn server_that_does_not_read_is_abandoned_at_the_deadline() {
    let server = Server::always(vec![Act::Hang]);
    let (url, body) = (server.url(), vec![b'x'; 64 << 20]);
    let begin = Instant::now();
    let request = Request::post(url).body(RequestBody::from(&body)).expect("a request");
    let error = UreqTransport::new()
        .send(request, Timeouts::new(Duration::from_millis(600)))
        .expect_err("nobody reads");
    assert_eq!(error.kind(), Timeout);
    assert!(begin.elapsed() < Duration::from_millis(1600), "{:?}", begin.elapsed());
}

#[test]
fn body_of_a_redirect_is_not_waited_for() {
    let head = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 1000\r\n\r\n<";
    run(vec![row("stalled redirect", Redirect, vec![Act::Read, Act::Send(head.into()), Act::Hang])]);
}

/// Two calls: the first on a connection played `first`, the second wherever the client goes. What the two
/// gave.
fn two_calls(first: Vec<Act>, pause: Duration) -> (Vec<String>, usize) {
    let server = Server::start(
        move |number| match number {
            0 => first.clone(),
            _ => vec![Act::Read, Act::Send(good("ya29.second"))],
        },
        Vec::new(),
    );
    let source = builder(&server.url()).build_uncached().expect("a source");
    let call = || match source.token_for(&Ask::new().with_deadline(Instant::now() + Duration::from_secs(20)))
    {
        Ok(token) => token.expose_secret().to_owned(),
        Err(error) => format!("{error:?}"),
    };
    let one = call();
    std::thread::sleep(pause);
    let two = call();
    (vec![one, two], server.connections())
}

#[test]
fn leftover_bytes_are_not_the_response_to_the_next_request() {
    let none = Duration::ZERO;
    let some = Duration::from_millis(300);
    let first = || Act::Send(good("ya29.first"));
    let both = [good("ya29.first"), good("ya29.smuggled")].concat();
    let longer = [good("ya29.first"), b"and more".to_vec()].concat();
    let rows = [
        ("closed while idle", vec![Act::Read, first()], some),
        ("closed as we come back", vec![Act::Read, first()], none),
        ("reset as we write", vec![Act::Read, first(), Act::ReadBytes(1)], some),
        ("closed after the second request", vec![Act::Read, first(), Act::Read], some),
        ("body longer than its length", vec![Act::Read, Act::Send(longer), Act::AwaitLeaving], none),
        ("two answers at once", vec![Act::Read, Act::Send(both), Act::AwaitLeaving], none),
        (
            "a second answer while idle",
            vec![
                Act::Read,
                first(),
                Act::Wait(Duration::from_millis(20)),
                Act::Send(good("ya29.smuggled")),
                Act::AwaitLeaving,
            ],
            some,
        ),
    ];
    for (name, acts, pause) in rows {
        assert_eq!(
            two_calls(acts, pause),
            (vec!["ya29.first".to_owned(), "ya29.second".to_owned()], 2),
            "{name}"
        );
    }
}

#[test]
fn connection_of_a_failed_request_is_not_used_again() {
    // The first call gets a token; the second waits in vain on the kept connection; its answer comes late.
    let late = [vec![Act::Read, Act::Send(good("ya29.first")), Act::Read, Act::Hang], raw(good("ya29.late"))]
        .concat();
    let server = Server::start(move |_| late.clone(), Vec::new());
    let source = builder(&server.url()).build_uncached().expect("a source");
    assert_eq!(source.token().expect("a token").expose_secret(), "ya29.first");
    let begin = Instant::now();
    let error =
        source.token_for(&Ask::new().with_deadline(begin + Duration::from_millis(600))).expect_err("silence");
    assert_eq!((error.kind(), error.attempts()), (Timeout, Some(1)));
    assert!(begin.elapsed() < Duration::from_millis(1600), "{:?}", begin.elapsed());
    assert_eq!((server.connections(), server.received().len()), (1, 2));
    server.heal();
    assert_eq!(source.token().expect("a token").expose_secret(), GOOD);
    assert_eq!(server.connections(), 2);
}
