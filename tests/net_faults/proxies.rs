//! Proxies: what they refuse, what is not there, and what the environment says about them.

use crate::certificates::{Authority, NAME};
use crate::connections::{dead, fails};
use crate::outlets;
use crate::row::{builder, check, row};
use crate::util::canary::{Canary, all_texts};
use crate::util::server::{Act, Server};
use shortway::Error;
use shortway::ErrorKind::{Config, Connect, Protocol, Timeout, Tls};
use shortway::http::{Request, RequestBody, Timeouts, Transport, UreqTransport};
use std::process::Command;
use std::time::Duration;
use ureq::Proxy;

pub(crate) const PASSWORD: &str = "pA55w0rd-of-the-proxy";

#[test]
fn proxy_that_does_not_connect_is_told_without_its_password() {
    let authority = Authority::new();
    let says = |text: &str| vec![Act::Read, Act::Send(text.into()), Act::AwaitLeaving];
    let html = "<html>Access denied by policy</html>";
    let url = format!("https://{NAME}/token");
    let secrets =
        [Canary::new(PASSWORD, &[]), Canary::new(PASSWORD, &[format!("user:{PASSWORD}").as_bytes()])];
    for (row, words) in [
        (
            row(
                "407",
                Config,
                says("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n"),
            ),
            " refused the login (HTTP status 407); check user name and password in the proxy's URL, ",
        ),
        (
            row("502", Connect, says("HTTP/1.1 502 Bad Gateway\r\n\r\n")),
            " cannot connect to it now (HTTP status 502); run the job again later; if it repeats, tell the \
             administrator of the proxy",
        ),
        (
            row(
                "403 and HTML",
                Config,
                says(&format!("HTTP/1.1 403 No\r\nContent-Type: text/html\r\n\r\n{html}")),
            ),
            " refuses to connect to it (HTTP status 403); ask the administrator of the proxy to allow this \
             host",
        ),
        (
            row("302", Connect, says("HTTP/1.1 302 Found\r\nLocation: https://example.com/\r\n\r\n")),
            " redirects to another page (HTTP status 302); this is often a login page: ",
        ),
        (
            row(
                "200 and HTML",
                Tls,
                says(&format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{html}")),
            ),
            "the proxy may have answered with a page of its own, such as a login page",
        ),
        (row("garbage", Protocol, says("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n\r\n")), " is not valid HTTP; "),
        (row("silence", Timeout, vec![Act::Read, Act::Hang]), "cannot get a token for "),
        (
            row(
                "silence in TLS",
                Timeout,
                vec![Act::Read, Act::Send(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()), Act::Hang],
            ),
            "cannot get a token for ",
        ),
    ] {
        let acts = row.acts.clone();
        let tunnel =
            vec![Act::Read, Act::Send(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()), Act::Upgrade(authority.server())];
        let server = Server::start(move |_| acts.clone(), tunnel);
        let proxy = Proxy::new(&format!("http://user:{PASSWORD}@{}", server.address)).expect("a proxy");
        let agent = authority.agent().proxy(Some(proxy)).build().new_agent();
        let error = check(&row, &server, builder(&url).transport(UreqTransport::with_agent(agent)));
        assert!(error.to_string().contains(words), "{}: {error}", row.name);
        let is_named = error.message().contains(&format!("the proxy {}", server.address));
        assert!(is_named || row.kind == Timeout, "{}: {error}", row.name);
        for canary in &secrets {
            assert_eq!(canary.find(&all_texts(&error)), None, "{error:?}");
        }
        // What goes through the tunnel tells the endpoint nothing of the proxy.
        let post = server.received().pop().expect("a request");
        let post = String::from_utf8_lossy(&post.raw).into_owned();
        assert!(post.starts_with("POST /token ") && !post.to_ascii_lowercase().contains("proxy-"), "{post}");
    }
}

#[test]
fn dead_proxy_is_not_bypassed() {
    let authority = Authority::new();
    let server = Server::start(|_| Vec::new(), vec![Act::Upgrade(authority.server())]);
    server.heal();
    let proxy = Proxy::new(&format!("http://user:{PASSWORD}@{}", dead())).expect("a proxy");
    let agent = authority.agent().proxy(Some(proxy)).build().new_agent();
    let url = format!("https://{}/token", server.address);
    let error = fails(&url, UreqTransport::with_agent(agent), Connect);
    assert_eq!(Canary::new(PASSWORD, &[]).find(&all_texts(&error)), None, "{error:?}");
    assert_eq!(server.connections(), 0);
}

/// Set in the child process, whose environment names a proxy: the URL that it requests.
const CHILD: &str = "SHORTWAY_TEST_PROXY_URL";

/// Set in such a child: the root certificate that it trusts.
const ROOT: &str = "SHORTWAY_TEST_PROXY_ROOT";

/// What a program with these variables prints: the kind and the text of its error, and what it logged.
fn with_environment(variables: &[(&str, &str)], url: &str) -> (String, String) {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "proxies::environment_decides_and_errors_name_the_proxy", "--nocapture"]);
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"] {
        command.env_remove(name);
    }
    let output = command.envs(variables.iter().copied()).env(CHILD, url).output().expect("a child");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = |mark: &str| {
        let line = text.lines().find_map(|line| line.split_once(mark));
        line.unwrap_or_else(|| panic!("{text}")).1.to_owned()
    };
    assert!(!text.contains(PASSWORD), "{text}");
    (line("ERROR: "), line("LOGGED: "))
}

fn child(url: &str) {
    let (outcome, said) = outlets::listen(|| {
        // Two transports: what the variables say is told once.
        let _ = UreqTransport::new();
        let transport = match std::env::var(ROOT) {
            Ok(pem) => UreqTransport::with_root_certificates(pem.as_bytes()).expect("a root certificate"),
            Err(_) => UreqTransport::new(),
        };
        let request = Request::get(url).body(RequestBody::Empty).expect("a request");
        transport.send(request, Timeouts::new(Duration::from_secs(5))).map(drop)
    });
    let error: Error = outcome.expect("no panic").expect_err("an error");
    let warnings: Vec<&str> = said.lines().filter(|line| line.starts_with("WARN")).collect();
    println!("ERROR: {:?}: {error}", error.kind());
    println!("LOGGED: {}", warnings.join(" | "));
}

#[test]
fn environment_decides_and_errors_name_the_proxy() {
    if let Ok(url) = std::env::var(CHILD) {
        child(&url);
        return;
    }
    let url = "https://host.invalid/token";
    let refusing = |status: u16| {
        let refusal = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
        Server::always(vec![Act::Read, Act::Send(refusal.into()), Act::AwaitLeaving])
    };
    let (dead, login, forbidding) = (dead(), refusing(407), refusing(403));
    let asking = login.address.clone();
    let login = |user: &str| format!("http://{user}{}", login.address);
    let direct =
        "Dns: cannot resolve host.invalid; check that this machine has a network and that its DNS works";
    let refused = format!(
        "Connect: cannot connect to the proxy {dead}: connection refused; requests go through this proxy: \
         is it running, \
         and are its name and port right?"
    );
    let skipped = "WARN shortway::http::proxy: NO_PROXY holds entries that are not understood and are \
        skipped: 1 of 2, the \
                   first is number 1";
    for (proxy, no_proxy, error, logged) in [
        (
            "http://nohost.invalid:3128".to_owned(),
            "",
            "Dns: cannot resolve the proxy nohost.invalid:3128; check the name of the proxy in HTTPS_PROXY",
            "",
        ),
        (format!("http://user:{PASSWORD}@{dead}"), "", refused.as_str(), ""),
        (format!("http://user:{PASSWORD}@{dead}"), "invalid", direct, ""),
        (format!("http://user:{PASSWORD}@{dead}"), ".INVALID", direct, ""),
        (
            format!("http://user:{PASSWORD}@{dead}"),
            &format!("http://u:{PASSWORD}@a.example, invalid"),
            direct,
            skipped,
        ),
        (
            login(""),
            "",
            &format!(
                "Config: cannot reach host.invalid: the proxy {asking} requires a login (HTTP status 407); \
                 put it into the proxy's URL, as in HTTPS_PROXY=http://user:password@host:port"
            ),
            "",
        ),
        (
            login(&format!("user:{PASSWORD}@")),
            "",
            &format!(
                "Config: cannot reach host.invalid: the proxy {asking} refused the login (HTTP status 407); \
                 check user name and password in HTTPS_PROXY, where special characters are percent-encoded \
                 (@ is %40); the proxy may also want another method than Basic"
            ),
            "",
        ),
        (
            format!("http://{}", forbidding.address),
            "",
            &format!(
                "Config: cannot reach host.invalid: the proxy {} refuses to connect to it (HTTP status \
                 403); ask the administrator of the proxy to allow this host",
                forbidding.address
            ),
            "",
        ),
        (
            format!("http://user:{PASSWORD}#@{dead}"),
            "",
            "Config: the proxy that HTTPS_PROXY names cannot be used: its user name or password holds a \
             character that must \
             be percent-encoded; in the user name and the password write %23 for #, %2F for /, %3F for ?, \
             %40 for @, %25 \
             for %",
            "",
        ),
    ] {
        let variables = [("HTTPS_PROXY", proxy.as_str()), ("NO_PROXY", no_proxy)];
        let (said, heard) = with_environment(&variables, url);
        assert_eq!((said.as_str(), heard.as_str()), (error, logged), "{variables:?}");
    }
}

#[test]
fn party_that_failed_behind_a_proxy_is_named_with_the_way_out() {
    let authority = Authority::new();
    let connected = || Act::Send("HTTP/1.1 200 Connection established\r\n\r\n".into());
    let says = |text: &str| vec![Act::Read, Act::Send(text.into()), Act::AwaitLeaving];
    for (scheme, acts, url, text) in [
        (
            "https",
            vec![Act::ReadBytes(50), Act::Send("HTTP/1.1 400 Bad Request\r\n\r\n".into()), Act::AwaitLeaving],
            "https://host.invalid/",
            "Tls: the proxy PROXY does not speak TLS on this port; write http:// instead of https:// in \
             HTTPS_PROXY",
        ),
        (
            "https",
            vec![Act::ReadBytes(50)],
            "https://host.invalid/",
            "Connect: cannot reach host.invalid: the proxy PROXY closed the connection; check its host and \
             port in HTTPS_PROXY, and whether http:// or https:// is right there; the proxy may also refuse \
             this machine",
        ),
        (
            "https",
            vec![Act::Upgrade(Authority::named("Other Root").server()), Act::AwaitLeaving],
            "https://host.invalid/",
            "Tls: the TLS connection to the proxy PROXY failed: its certificate is from an issuer that is \
             not trusted here; if a proxy opens TLS connections here, give its root certificate to \
             UreqTransport::with_root_certificates",
        ),
        (
            "http",
            says("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n\r\n"),
            "https://host.invalid/",
            "Protocol: the response of the proxy PROXY is not valid HTTP; check host and port of the proxy: \
             is it an HTTP proxy?",
        ),
        (
            "http",
            Vec::new(),
            "https://host.invalid:8443/",
            "Connect: cannot reach host.invalid:8443: the proxy PROXY closed the connection; check its host \
             and port in HTTPS_PROXY, and whether http:// or https:// is right there; the proxy may also \
             refuse this machine",
        ),
        (
            "http",
            says("HTTP/1.1 502 Bad Gateway\r\n\r\n"),
            "https://host.invalid/",
            "Connect: cannot reach host.invalid: the proxy PROXY cannot connect to it now (HTTP status \
             502); run the job again later; if it repeats, tell the administrator of the proxy",
        ),
        (
            "http",
            says("HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\n\r\n"),
            "https://host.invalid/",
            "Connect: cannot reach host.invalid: the proxy PROXY redirects to another page (HTTP status \
             302); this is often a login page: log in with a browser on this network, or ask the \
             administrator of the proxy how programs log in",
        ),
        (
            "http",
            says("HTTP/1.1 200 OK\r\n\r\n<html>Log in</html>"),
            "https://host.invalid/",
            "Tls: the TLS connection to host.invalid through the proxy PROXY failed: the server does not \
             speak TLS on this port; check the port; the proxy may have answered with a page of its own, \
             such as a login page",
        ),
        (
            "http",
            vec![Act::Read, connected(), Act::ReadBytes(50)],
            "https://host.invalid/",
            "Closed: host.invalid through the proxy PROXY closed the connection before its response was \
             complete; run the job again later; if it repeats, look for a firewall or proxy in the way",
        ),
        (
            "http",
            vec![Act::Read, connected(), Act::Upgrade(authority.server()), Act::Read],
            "https://token.test.invalid/",
            "Closed: token.test.invalid through the proxy PROXY closed the connection before its response \
             was complete; run the job again later; if it repeats, look for a firewall or proxy in the way",
        ),
        (
            "http",
            vec![
                Act::Read,
                connected(),
                Act::Upgrade(authority.server()),
                Act::Read,
                Act::Send("SSH-2.0-OpenSSH_9.2p1\r\n\r\n".into()),
                Act::AwaitLeaving,
            ],
            "https://token.test.invalid/",
            "Protocol: the response of token.test.invalid is not valid HTTP; check host and port; a proxy or \
             another program may have answered instead",
        ),
    ] {
        let proxy = Server::always(acts);
        let value = format!("{scheme}://{}", proxy.address);
        let (said, _) = with_environment(&[("HTTPS_PROXY", &value), (ROOT, &authority.pem())], url);
        assert_eq!(said, text.replace("the proxy PROXY", &format!("the proxy {}", proxy.address)));
    }
}

#[test]
fn variable_that_was_read_is_the_one_that_is_named() {
    let url = "https://host.invalid/";
    for (variables, text) in [
        (
            &[("HTTPS_PROXY", "nohost.invalid"), ("ALL_PROXY", "http://other.invalid:1")][..],
            "Dns: cannot resolve the proxy nohost.invalid:80; check the name of the proxy in HTTPS_PROXY",
        ),
        (
            &[("https_proxy", "nohost.invalid"), ("ALL_PROXY", "http://other.invalid:1")],
            "Dns: cannot resolve the proxy nohost.invalid:80; check the name of the proxy in https_proxy",
        ),
        (
            &[("HTTPS_PROXY", ""), ("ALL_PROXY", "https://nohost.invalid")],
            "Dns: cannot resolve the proxy nohost.invalid:443; check the name of the proxy in ALL_PROXY",
        ),
        (
            &[("all_proxy", "http://nohost.invalid:3128")],
            "Dns: cannot resolve the proxy nohost.invalid:3128; check the name of the proxy in all_proxy",
        ),
        (
            &[("ALL_PROXY", "socks5h://127.0.0.1:1080")],
            "Config: the proxy that ALL_PROXY names cannot be used: it is a SOCKS proxy; if there is an HTTP \
             proxy, set ALL_PROXY to http://host:port, or unset it to connect directly; a program can give \
             UreqTransport::with_agent an agent that knows SOCKS",
        ),
        (
            &[("https_proxy", "http://proxy:port")],
            "Config: the proxy that https_proxy names cannot be used: its port is not a number from 1 to \
             65535; set https_proxy to http://host:port, or unset it to connect directly",
        ),
    ] {
        assert_eq!(with_environment(variables, url).0, text);
    }
    let variables = [("HTTPS_PROXY", "http://nohost.invalid"), ("no_proxy", "invalid, a_b:x")];
    assert_eq!(
        with_environment(&variables, url).1,
        "WARN shortway::http::proxy: no_proxy holds entries that are not understood and are skipped: 1 of 2, \
         the first is number 2"
    );
}
