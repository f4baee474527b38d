//! Names, connections, TLS.

use crate::certificates::{self, Authority, NAME};
use crate::proxies::PASSWORD;
use crate::row::{Row, answer, builder, check, row};
use crate::util::server::{Act, GOOD, Server};
use rustls::HandshakeKind;
use shortway::ErrorKind::{
    self, Closed, Connect, Denied, Dns, Malformed, Protocol, Redirect, Timeout, Tls, TooLarge,
};
use shortway::http::{Request, RequestBody, Timeouts, Transport, UreqTransport};
use shortway::{Ask, Authorized, Error, Token, TokenKind, TokenSource};
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant, SystemTime};
use ureq::config::RedirectAuthHeaders;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Proxy};

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
const TOKEN: &str = r#"{"access_token": "ya29.once", "expires_in": 3599, "token_type": "Bearer"}"#;

/// A transport that trusts `authority` alone. Where the environment names a proxy, an agent without one.
pub(crate) fn trusting(authority: &Authority) -> UreqTransport {
    if environment_has_proxy() {
        return UreqTransport::with_agent(authority.agent().build().new_agent());
    }
    UreqTransport::with_root_certificates(authority.pem().as_bytes()).expect("a root certificate")
}

pub(crate) fn environment_has_proxy() -> bool {
    let variables = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    variables.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// A row over TLS. Once healed, the server shows a good certificate.
fn over_tls(row: &Row, authority: &Authority) -> Error {
    let acts = row.acts.clone();
    let server = Server::start(move |_| acts.clone(), vec![Act::Upgrade(authority.server())]);
    let url = format!("https://{}/token", server.address);
    check(row, &server, builder(&url).transport(trusting(authority)))
}

#[test]
fn invalid_certificates_are_told_apart() {
    let (authority, other, namesake) = (Authority::new(), Authority::named("Proxy Root"), Authority::new());
    let shown = |config| vec![Act::Upgrade(config), Act::Read];
    for (what, config, hint) in [
        ("has expired", authority.server_but(certificates::expired), "clock"),
        ("is not valid yet", authority.server_but(certificates::not_yet_valid), "clock"),
        (
            "is for another name",
            authority.server_but(certificates::of_another_name),
            "with_root_certificates",
        ),
        ("is from an issuer that is not trusted here", other.server(), "with_root_certificates"),
        ("is not valid", namesake.server(), "with_root_certificates"),
        ("is from an issuer that is not trusted here", certificates::self_signed(), "with_root_certificates"),
    ] {
        let error = over_tls(&row(what, Tls, shown(config)), &authority);
        assert!(error.message().ends_with(&format!("its certificate {what}")), "{what}: {error}");
        assert!(error.hint().expect("a hint").contains(hint), "{error}");
    }
}

#[test]
fn alerts_and_peers_without_tls_are_told_apart() {
    let authority = Authority::new();
    let says = |bytes: &[u8]| vec![Act::ReadBytes(50), Act::Send(bytes.to_vec()), Act::AwaitLeaving];
    let alert = |number: u8| says(&[0x15, 3, 3, 0, 2, 2, number]);
    for (row, words) in [
        (
            row("HTTP", Tls, says(b"HTTP/1.1 400 Bad Request\r\n\r\n<html>this port speaks TLS</html>")),
            "the server does not speak TLS on this port",
        ),
        (row("handshake_failure", Tls, alert(40)), "(HandshakeFailure)"),
        (row("protocol_version", Tls, alert(70)), "(ProtocolVersion)"),
        (row("unrecognized_name", Tls, alert(112)), "(UnrecognisedName)"),
        (row("certificate_revoked", Tls, alert(44)), "(CertificateRevoked)"),
        (row("closed on accept", Closed, vec![]), "closed"),
        (row("reset after the hello", Closed, vec![Act::ReadBytes(50)]), "closed"),
        (
            row(
                "reset in the handshake",
                Closed,
                vec![Act::ReadBytes(50), Act::Send(vec![0x16, 3, 3, 0, 90, 2])],
            ),
            "closed",
        ),
        (row("silence on accept", Timeout, vec![Act::Hang]), "cannot get a token for "),
        (
            row("silence after the hello", Timeout, vec![Act::ReadBytes(50), Act::Hang]),
            "cannot get a token for ",
        ),
        (
            row(
                "handshake drips",
                Timeout,
                vec![
                    Act::ReadBytes(50),
                    Act::Send(vec![0x16, 3, 3, 0x30, 0]),
                    Act::Drip(vec![0], Duration::from_millis(30)),
                ],
            ),
            "cannot get a token for ",
        ),
    ] {
        let error = over_tls(&row, &authority);
        assert!(error.to_string().contains(words), "{}: {error}", row.name);
    }
}

#[test]
fn tls_fault_is_downcast_through_ureq_to_the_rustls_of_this_crate() {
    let (authority, acts) = (Authority::new(), vec![Act::Upgrade(Authority::named("Other Root").server())]);
    let server = Server::always(acts);
    let url = format!("https://{}/", server.address);
    let error = authority.agent().build().new_agent().get(url).call().expect_err("another root");
    let ureq::Error::Io(error) = error else { panic!("{error:?}") };
    // Were ureq built with another rustls than this crate, nothing would be found here.
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let expected = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
    assert_eq!(inner, Some(&expected));
}

#[test]
fn tls_fault_in_a_body_is_a_tls_fault_plain_and_compressed() {
    let authority = Authority::new();
    // A record of TLS 1.3 whose content nobody encrypted.
    let record = [&[0x17, 3, 3, 0, 40], &[7; 40][..]].concat();
    for (headers, body) in [
        ("", br#"{"access_token": "#.as_slice()),
        ("Content-Encoding: gzip\r\n", &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]),
        ("Content-Encoding: identity\r\n", b""),
    ] {
        if headers.contains("gzip") && cfg!(not(feature = "gzip")) {
            continue;
        }
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n{headers}\r\n");
        let acts = vec![
            Act::Upgrade(authority.server()),
            Act::Read,
            Act::Send([head.as_bytes(), body].concat()),
            Act::Upgrade(certificates::plain()),
            Act::Send(record.clone()),
            Act::AwaitLeaving,
        ];
        let server = Server::always(acts);
        let end = SystemTime::now() + Duration::from_secs(3600);
        let tokens = shortway::from_fn(move || Token::new(TokenKind::Access, "ya29.a", end));
        let url = format!("https://{}/", server.address);
        let api = Authorized::new(tokens, trusting(&authority)).with_host(&url).expect("a host");
        let request = Request::get(&url).body(()).expect("a request");
        let error = api.with_gzip(true).send(request).expect_err("damaged");
        assert_eq!(
            (error.kind(), error.message()),
            (
                Tls,
                format!("the TLS connection to {} failed: a message was damaged on the way", server.address)
                    .as_str()
            ),
            "{headers}"
        );
    }
}

#[test]
fn second_connection_resumes_the_tls_session_of_the_first() {
    if environment_has_proxy() {
        eprintln!("SKIPPED: the environment names a proxy");
        return;
    }
    let authority = Authority::new();
    let (tls, handshakes) = authority.server_and_handshakes();
    let response = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let server = Server::always(vec![Act::Upgrade(tls), Act::Read, Act::Send(response.into()), Act::End]);
    let transport = trusting(&authority);
    for _ in 0..2 {
        let url = format!("https://{}/", server.address);
        let request = Request::get(url).body(RequestBody::Empty).expect("a request");
        let response = transport.send(request, Timeouts::new(Duration::from_secs(10))).expect("a response");
        response.into_body().read_to_end(&mut Vec::new()).expect("a body");
    }
    assert_eq!(*handshakes.lock().expect("the log"), [HandshakeKind::Full, HandshakeKind::Resumed]);
}

#[test]
fn tls_that_is_cut_is_no_end_of_a_response() {
    let authority = Authority::new();
    let acts = |answer: String, end: &[Act]| {
        [&[Act::Upgrade(authority.server()), Act::Read, Act::Send(answer.into())], end].concat()
    };
    let short = format!("{HEAD}Content-Length: 100\r\n\r\n{TOKEN}");
    over_tls(&row("cut", Closed, acts(short.clone(), &[])), &authority);
    over_tls(&row("ended early", Closed, acts(short, &[Act::End])), &authority);
    over_tls(&row("cut JSON", Malformed, acts(format!("{HEAD}\r\n{}", &TOKEN[..40]), &[])), &authority);
    for end in [&[][..], &[Act::End]] {
        let acts = acts(format!("{HEAD}\r\n{TOKEN}"), end);
        let server = Server::start(move |_| acts.clone(), Vec::new());
        let source = builder(&format!("https://{}/token", server.address)).transport(trusting(&authority));
        let source = source.build_uncached().expect("a source");
        for asked in 1..=2 {
            assert_eq!(source.token().expect("whole JSON").expose_secret(), "ya29.once");
            assert_eq!(server.connections(), asked, "used again");
        }
    }
}

/// Resolves every name to the same addresses.
#[derive(Debug)]
struct Fixed(Result<Vec<SocketAddr>, fn() -> ureq::Error>);

impl Resolver for Fixed {
    fn resolve(
        &self,
        _: &Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        self.0.as_ref().map_err(|make| make())?.iter().for_each(|a| addresses.push(*a));
        Ok(addresses)
    }
}

fn resolving(authority: &Authority, to: Fixed) -> UreqTransport {
    UreqTransport::with_agent(Agent::with_parts(authority.agent().build(), DefaultConnector::default(), to))
}

/// An address where nobody listens.
pub(crate) fn dead() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address")
}

/// One failed attempt: without a connection the attempts go on until the deadline.
pub(crate) fn fails(url: &str, transport: UreqTransport, kind: ErrorKind) -> Error {
    let source = builder(url).transport(transport).build_uncached().expect("a source");
    let begin = Instant::now();
    let deadline = begin + Duration::from_secs(25);
    let error = source.token_for(&Ask::new().with_deadline(deadline).with_single_attempt()).expect_err(url);
    assert_eq!((error.kind(), error.attempts()), (kind, Some(1)), "{error:?}");
    assert!(begin.elapsed() < Duration::from_secs(26), "{:?}", begin.elapsed());
    error
}

#[test]
fn refused_connections_are_tried_until_the_deadline_and_not_counted() {
    let source = builder(&format!("http://{}/token", dead())).build_uncached().expect("a source");
    let begin = Instant::now();
    let deadline = begin + Duration::from_millis(600);
    let error = source.token_for(&Ask::new().with_deadline(deadline)).expect_err("nobody listens");
    assert_eq!((error.kind(), error.attempts()), (Connect, Some(0)), "{error:?}");
    assert!(begin.elapsed() < Duration::from_millis(1600), "{:?}", begin.elapsed());
}

#[test]
fn unresolved_name_is_an_error_of_dns() {
    let authority = Authority::new();
    let url = format!("https://{NAME}/token");
    fails(&url, UreqTransport::with_agent(authority.agent().build().new_agent()), Dns);
    fails(&url, resolving(&authority, Fixed(Err(|| ureq::Error::HostNotFound))), Dns);
    fails(&url, resolving(&authority, Fixed(Err(|| ureq::Error::Timeout(ureq::Timeout::Resolve)))), Timeout);
}

#[test]
fn next_address_is_tried_after_a_dead_one() {
    let authority = Authority::new();
    let url = format!("https://{NAME}/token");
    fails(&url, resolving(&authority, Fixed(Ok(vec![]))), Connect);
    fails(&url, resolving(&authority, Fixed(Ok((0..16).map(|_| dead()).collect()))), Connect);
    fails(&format!("http://{}/token", dead()), UreqTransport::new(), Connect);
    let server = Server::start(|_| Vec::new(), vec![Act::Upgrade(authority.server())]);
    server.heal();
    let addresses = vec![dead(), dead(), server.address.parse().expect("an address")];
    let source =
        builder(&url).transport(resolving(&authority, Fixed(Ok(addresses)))).build().expect("a source");
    assert_eq!(source.token().expect("the third address").expose_secret(), GOOD);
}

#[test]
#[cfg(target_os = "linux")]
fn connection_to_a_silent_address_ends_at_the_deadline() {
    // A listener that accepts nobody: once its queue is full, the kernel answers no further caller.
    let full = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = full.local_addr().expect("an address");
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        queue.push(stream);
        if queue.len() > 600 {
            eprintln!("SKIPPED: the queue of a listener cannot be filled here");
            return;
        }
    }
    let authority = Authority::new();
    let server = Server::start(|_| Vec::new(), vec![Act::Upgrade(authority.server())]);
    server.heal();
    let url = format!("http://{address}/token");
    let begin = Instant::now();
    let source = builder(&url).build().expect("a source");
    let error = source
        .token_for(&Ask::new().with_deadline(begin + Duration::from_millis(600)))
        .expect_err("a black hole");
    assert_eq!((error.kind(), error.attempts()), (Timeout, Some(1)), "{error:?}");
    assert!(begin.elapsed() < Duration::from_millis(1600), "{:?}", begin.elapsed());
    // With a second address that answers, half of the time to connect is left for it.
    let addresses = vec![address, server.address.parse().expect("an address")];
    let transport = resolving(&authority, Fixed(Ok(addresses)));
    let source = builder(&format!("https://{NAME}/token")).transport(transport).build().expect("a source");
    assert_eq!(source.token().expect("the second address").expose_secret(), GOOD);
}

/// Set in the child process that may open few files only.
#[cfg(unix)]
const FEW_FILES: &str = "SHORTWAY_TEST_FEW_FILES";

#[test]
#[cfg(unix)]
fn process_without_a_free_descriptor_recovers() {
    if std::env::var_os(FEW_FILES).is_none() {
        let program = std::env::current_exe().expect("this program");
        let output = std::process::Command::new("sh")
            .args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""])
            .arg(program)
            .args(["--exact", "connections::process_without_a_free_descriptor_recovers", "--nocapture"])
            .env(FEW_FILES, "1")
            .output()
            .expect("a shell");
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && text.contains("came back"), "{text}");
        return;
    }
    let server = Server::always(Vec::new());
    server.heal();
    let source = builder(&server.url()).build().expect("a source");
    let mut files = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        files.push(file);
    }
    let deadline = Instant::now() + Duration::from_millis(600);
    let error = source.token_for(&Ask::new().with_deadline(deadline)).expect_err("no descriptor");
    assert_eq!((error.kind(), error.attempts()), (Connect, Some(0)), "{error:?}");
    assert!(error.message().ends_with("this process has too many files open"), "{error}");
    drop(files);
    let token = source.source().token().expect("a token");
    println!("came back: {}", token.expose_secret() == GOOD);
}

#[test]
fn agent_of_a_caller_weakens_no_rule() {
    let target = TcpListener::bind("127.0.0.1:0").expect("a port");
    target.set_nonblocking(true).expect("a listener that does not wait");
    let place = format!("Location: http://{}/token\r\n", target.local_addr().expect("an address"));
    let weak = || {
        let proxy = Proxy::new(&format!("http://user:{PASSWORD}@{}", dead())).expect("a proxy");
        Agent::config_builder()
            .http_status_as_error(true)
            .max_redirects(10)
            .max_redirects_will_error(true)
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .save_redirect_history(true)
            .max_response_header_size(100 << 20)
            .timeout_global(None)
            .timeout_connect(None)
            .timeout_resolve(None)
            .proxy(Some(proxy))
            .accept_encoding("gzip, br")
            .user_agent("")
            .build()
            .new_agent()
    };
    let large = format!("X-Large: {}\r\n", "x".repeat(64 * 1024));
    let refusal = r#"{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}"#;
    for row in [
        row("302", Redirect, answer(302, &place, "")),
        row("307", Redirect, answer(307, &place, "")),
        row("400", Denied, answer(400, "", refusal)),
        row("503", ErrorKind::Unavailable, answer(503, "", "")),
        row("header of 64 KiB", TooLarge, answer(200, &large, TOKEN)),
        row(
            "body without an end",
            TooLarge,
            vec![Act::Read, Act::Send(format!("{HEAD}\r\n").into()), Act::Flood(vec![b' '; 10_000])],
        ),
        row("gzip", Protocol, answer(200, "Content-Encoding: gzip\r\n", TOKEN)),
        row("silence", Timeout, vec![Act::Read, Act::Hang]),
    ] {
        let server = Server::always(row.acts.clone());
        let error = check(&row, &server, builder(&server.url()).transport(UreqTransport::with_agent(weak())));
        assert_eq!(error.code(), (row.name == "400").then_some("invalid_grant"), "{error:?}");
        let request = String::from_utf8_lossy(&server.received()[0].raw).to_ascii_lowercase();
        assert!(request.contains("accept-encoding: identity\r\n"), "{request}");
        assert!(request.contains("user-agent: shortway/") && !request.contains("proxy-"), "{request}");
    }
    assert!(target.accept().is_err(), "somebody came to the redirect's target");
}

#[test]
fn failures_over_tls_are_retried_on_new_connections() {
    let authority = Authority::new();
    let acts = |rest: Vec<Act>| [vec![Act::Upgrade(authority.server())], rest].concat();
    over_tls(&row("503", ErrorKind::Unavailable, acts(answer(503, "", ""))), &authority);
    over_tls(&row("head cut", Closed, acts(vec![Act::Read, Act::Send(b"HTTP/1.1 20".to_vec())])), &authority);
}
