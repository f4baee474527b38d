//! What is sent, and where it is not.

use super::*;
use shortway::http::{Method, header};
use shortway::{ErrorKind, Identity, TokenKind};

#[test]
fn every_method_is_sent_with_its_body_and_the_token() {
    let (server, tokens) = (Endpoint::start(|_| ok()), numbered());
    let api = api(Arc::clone(&tokens), &server.url);
    for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        for body in ["", "body"] {
            let body = if body.is_empty() { RequestBody::Empty } else { body.into() };
            let request = Request::builder().method(&method).uri(&server.url).body(body).expect("a request");
            if method == Method::HEAD && matches!(request.body(), RequestBody::Bytes(_)) {
                continue;
            }
            let expected = if matches!(request.body(), RequestBody::Empty) { "" } else { "body" };
            assert_eq!(api.send(request).expect("a response").status(), 200, "{method} {expected:?}");
            let received = server.received().pop().expect("a request");
            assert_eq!(received.line, format!("{method} / HTTP/1.1"));
            assert_eq!(received.body, expected.as_bytes(), "{method}");
            let number = tokens.calls();
            assert_eq!(received.header("Authorization"), Some(format!("Bearer token-{number}").as_str()));
        }
    }
    assert_eq!(server.received().len(), 11);
}

#[test]
fn a_callers_own_authorization_is_not_sent() {
    let server = Endpoint::start(|_| ok());
    let request = Request::get(&server.url).header(header::AUTHORIZATION, "Bearer mine").body(());
    api(numbered(), &server.url).send(request.expect("a request")).expect("a response");
    assert_eq!(sent(&server), pairs(&[("token-1", "")]));
}

#[test]
fn quota_project_is_the_requests_own_else_the_clients_else_the_sources() {
    let server = Endpoint::start(|_| ok());
    let tokens = || {
        let identity = Identity::new().with_quota_project_id("of-the-source");
        ScriptedSource::numbered().with_identity(identity)
    };
    let of_the_source = api(tokens(), &server.url);
    let of_the_client = of_the_source.clone().with_quota_project_id("of-the-client");
    let request = Request::get(&server.url).header("x-goog-user-project", "of-the-request").body(());
    of_the_source.send(get(&server.url)).expect("a response");
    of_the_client.send(get(&server.url)).expect("a response");
    of_the_client.send(request.expect("a request")).expect("a response");
    api(numbered(), &server.url).send(get(&server.url)).expect("a response");
    let header = |r: &Received| r.header("x-goog-user-project").map(str::to_owned);
    let projects: Vec<_> = server.received().iter().map(header).collect();
    let expected = [Some("of-the-source"), Some("of-the-client"), Some("of-the-request"), None];
    assert_eq!(projects, expected.map(|project| project.map(str::to_owned)));
}

#[test]
fn quota_project_that_no_header_can_carry_is_refused() {
    let server = Endpoint::start(|_| ok());
    let api = api(numbered(), &server.url).with_quota_project_id("a\r\nX-Evil: b");
    let error = api.send(get(&server.url)).expect_err("not valid");
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (
            ErrorKind::Config,
            "the request cannot be sent: its header `x-goog-user-project` is not valid; correct the quota \
             project: it looks like my-project-123, or is the project's number"
        )
    );
    assert_eq!(server.connections(), 0);
}

#[test]
fn host_that_is_a_pattern_is_refused() {
    let api = Authorized::new(numbered(), UreqTransport::new());
    for url in ["https://*.run.app", "https://*", "https://my-*.run.app:8443/path"] {
        let error = api.clone().with_host(url).expect_err(url);
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (
                ErrorKind::Config,
                "the named host's URL has a `*` in its host; name each host on its own: there are no patterns"
            )
        );
    }
}

#[test]
fn headers_of_the_transport_and_methods_that_are_not_sent_cost_no_token() {
    let (server, tokens) = (Endpoint::start(|_| ok()), numbered());
    let api = api(Arc::clone(&tokens), &server.url);
    for name in ["Content-Length", "Transfer-Encoding", "Host", "Connection", "TE", "Trailer", "Upgrade"] {
        let request = Request::post(&server.url).header(name, "0").body("content").expect("a request");
        let error = api.send(request).expect_err(name);
        let length = "; give the length of a body with RequestBody::reader";
        let more = if ["Content-Length", "Transfer-Encoding"].contains(&name) { length } else { "" };
        let text = format!(
            "the request cannot be sent: its header `{}` is set by the transport; leave the header out{more}",
            name.to_ascii_lowercase()
        );
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Config, text));
    }
    for method in ["CONNECT", "TRACE", "PROPFIND", "get"] {
        let request = Request::builder().method(method).uri(&server.url).body(()).expect("a request");
        let error = api.stream(request).expect_err(method);
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (
                ErrorKind::Config,
                "the request cannot be sent: its method is none of GET, HEAD, POST, PUT, PATCH, DELETE, \
                 OPTIONS"
            )
        );
    }
    assert_eq!((tokens.calls(), server.connections()), (0, 0));
}

#[test]
fn token_goes_only_to_google_and_to_hosts_that_are_named() {
    let (server, tokens) = (Endpoint::start(|_| ok()), numbered());
    let unnamed = Authorized::new(Arc::clone(&tokens), UreqTransport::new());
    let port = server.url.rsplit(':').next().expect("a port");
    let error = unnamed.send(get(&server.url)).expect_err("not named");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(
        error.to_string(),
        format!(
            "the request is not sent: 127.0.0.1:{port} is not among the hosts that the token may go to; if \
             this service is meant to have the token, name it with \
             Authorized::with_host(\"http://127.0.0.1:{port}\")"
        )
    );
    for url in [
        "http://storage.googleapis.com/",
        "http://localhost:1/",
        "https://user@storage.googleapis.com/",
        "https://storage.googleapis.com.evil.example/",
        "https://storage.googleapis.com:444/",
        "/path",
    ] {
        assert_eq!(unnamed.send(get(url)).expect_err(url).kind(), ErrorKind::Config);
        assert_eq!(unnamed.stream(get(url)).expect_err(url).kind(), ErrorKind::Config);
        assert_eq!(unnamed.json::<()>(get(url)).expect_err(url).kind(), ErrorKind::Config);
    }
    for url in ["http://example.com", "https://h.example/?q", "h.example", "https://u:p@h.example"] {
        assert_eq!(unnamed.clone().with_host(url).expect_err(url).kind(), ErrorKind::Config);
    }
    assert_eq!((tokens.calls(), server.connections()), (0, 0));
    // The clone that names the host is another client.
    let named = unnamed.clone().with_host(&format!("{}/path", server.url)).expect("a host");
    assert_eq!(named.send(get(&server.url)).expect("a response").status(), 200);
    assert_eq!(unnamed.send(get(&server.url)).expect_err("not named").kind(), ErrorKind::Config);
}

#[test]
fn redirects_are_returned_and_nothing_is_sent_to_where_they_point() {
    let elsewhere = Endpoint::start(|_| ok());
    for status in [300, 301, 302, 303, 305, 307, 308] {
        let other_port = format!("{}/stolen", elsewhere.url);
        let other_host = other_port.replace("127.0.0.1", "127.0.0.2");
        for location in [other_port.as_str(), &other_host, "/path", "//127.0.0.2/", "https://evil.example/"] {
            let target = location.to_owned();
            let server = Endpoint::start(move |_| (status, vec![("Location", target.clone())], Vec::new()));
            // Even a host that is named gets nothing by a redirect.
            let api = api(numbered(), &server.url).with_host(&elsewhere.url).expect("a host");
            for request in [get(&server.url).map(Into::into), post(&server.url, "body")] {
                let response = api.send(request).expect("a response");
                assert_eq!(response.status(), status);
                assert_eq!(response.headers()["location"], location);
            }
            let response = api.stream(get(&server.url)).expect("a response");
            assert_eq!(response.status(), status);
            let error = api.json::<()>(get(&server.url)).expect_err("a redirect");
            assert_eq!((error.kind(), error.status()), (ErrorKind::Redirect, Some(status)));
            assert_eq!(server.received().len(), 4, "{location}");
        }
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn id_tokens_go_to_the_service_that_is_named() {
    let server = Endpoint::start(|_| ok());
    let identity =
        Identity::new().with_kind(TokenKind::Id).with_target_audience("https://my-service-x.run.app");
    let api = api(ScriptedSource::numbered().with_identity(identity), &server.url);
    assert_eq!(api.send(get(&server.url)).expect("a response").status(), 200);
    assert_eq!(sent(&server), pairs(&[("token-1", "")]));
}

#[test]
fn debug_shows_the_identity_and_no_token() {
    let tokens = ScriptedSource::numbered().with_identity(Identity::new().with_email("a@b"));
    let text = format!("{:?}", Authorized::new(tokens, UreqTransport::new()));
    assert_eq!(text, "Authorized { identity: Some(Identity { email: \"a@b\", scopes: [] }), .. }");
}
