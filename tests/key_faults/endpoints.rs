//! A key file that names another place to send its assertions to.

use crate::fixture::{CANARY, assert_refused, assert_taken, with_field};
use crate::util::canary::all_texts;
use serde_json::{Map, Value, json};
use shortway::http::{Request, RequestBody, Response, ResponseBody, Timeouts, Transport};
use shortway::{Error, ErrorKind, ServiceAccountKey, TokenSource};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Hostile endpoints; `PORT` stands for a port of this machine with a listener.
const HOSTILE: &[&str] = &[
    // Look-alikes.
    "https://oauth2.googleapis.com.evil.example/token",
    "https://evil.example/oauth2.googleapis.com/token",
    "https://oauth2-googleapis.com/token",
    "https://oauth2.googleapis.co/token",
    "https://oauth2.googleapis.com.co/token",
    "https://oauth2.g00gleapis.com/token",
    "https://0auth2.googleapis.com/token",
    "https://evil.googleapis.com/token",
    "https://storage.googleapis.com/token",
    "https://evil-oauth2.googleapis.com/token",
    "https://xn--oauth2-googleapis-com.evil.example/token",
    "https://oauth2.xn--ggleapis-61aa.com/token",
    "https://oauth2.g\u{43e}\u{43e}gleapis.com/token",
    "https://oauth2.googleapis\u{3002}com/token",
    "https://oauth2.googleapis\u{ff0e}com/token",
    "https://oauth2\u{2024}googleapis.com/token",
    "https://oauth2.googleapis.com\u{2044}evil.example/token",
    "https://\u{ff4f}auth2.googleapis.com/token",
    "https://oauth2.google\u{ad}apis.com/token",
    "https://oauth2.google\u{200b}apis.com/token",
    "https://oauth2.googleapis.com./token",
    "https://.oauth2.googleapis.com/token",
    "https://accounts.google.com.evil.example/o/oauth2/token",
    "https://www.googleapis.com/oauth2/v4/token/../../../evil",
    // User names and ports.
    "https://oauth2.googleapis.com@evil.example/token",
    "https://oauth2.googleapis.com:443@evil.example/token",
    "https://user:password@oauth2.googleapis.com/token",
    "https://@oauth2.googleapis.com/token",
    "https://oauth2.googleapis.com%40evil.example/token",
    "https://oauth2.googleapis.com:443/token",
    "https://oauth2.googleapis.com:8443/token",
    "https://oauth2.googleapis.com:99999/token",
    "https://oauth2.googleapis.com:0/token",
    "https://oauth2.googleapis.com:/token",
    "https://oauth2.googleapis.com:-1/token",
    "https://oauth2.googleapis.com:443evil/token",
    // Addresses: this machine, the metadata server, and all their spellings.
    "http://127.0.0.1:PORT/token",
    "https://127.0.0.1:PORT/token",
    "http://localhost:PORT/token",
    "http://LOCALHOST:PORT/token",
    "http://localhost.:PORT/token",
    "http://2130706433:PORT/token",
    "http://0x7f000001:PORT/token",
    "http://0x7f.0.0.1:PORT/token",
    "http://0177.0.0.1:PORT/token",
    "http://017700000001:PORT/token",
    "http://127.1:PORT/token",
    "http://127.0.0.1.:PORT/token",
    "http://0.0.0.0:PORT/token",
    "http://0:PORT/token",
    "http://[::1]:PORT/token",
    "http://[::]:PORT/token",
    "http://[::ffff:127.0.0.1]:PORT/token",
    "http://[::ffff:7f00:1]:PORT/token",
    "http://[0:0:0:0:0:0:0:1]:PORT/token",
    "http://[::1%25lo]:PORT/token",
    "http://\u{2460}27.0.0.1:PORT/token",
    "http://127.0.0.1:PORT#@oauth2.googleapis.com/token",
    "http://127.0.0.1:PORT?@oauth2.googleapis.com/token",
    "http://127.0.0.1:PORT\\@oauth2.googleapis.com/token",
    "http://oauth2.googleapis.com@127.0.0.1:PORT/token",
    "http://127.0.0.1:PORT/https://oauth2.googleapis.com/token",
    "https://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token",
    "http://metadata.google.internal/token",
    "http://[fd00:ec2::254]/token",
    "https://10.0.0.1/token",
    // Schemes.
    "http://oauth2.googleapis.com/token",
    "HTTPS://oauth2.googleapis.com/token",
    "hTTps://oauth2.googleapis.com/token",
    "https:oauth2.googleapis.com/token",
    "https:/oauth2.googleapis.com/token",
    "https:///oauth2.googleapis.com/token",
    "https:\\\\oauth2.googleapis.com\\token",
    "//oauth2.googleapis.com/token",
    "//127.0.0.1:PORT/token",
    "oauth2.googleapis.com/token",
    "127.0.0.1:PORT",
    "/token",
    "token",
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "javascript:alert(1)",
    "data:application/json,{\"access_token\":\"ya29.x\"}",
    "unix:/var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/token",
    "ftp://oauth2.googleapis.com/token",
    "gopher://127.0.0.1:PORT/_token",
    "ldap://127.0.0.1:PORT/token",
    "ws://127.0.0.1:PORT/token",
    "urn:ietf:wg:oauth:2.0:oob",
    "jar:https://oauth2.googleapis.com/token!/",
    // What is added to the right one.
    "https://oauth2.googleapis.com/token?x=1",
    "https://oauth2.googleapis.com/token?",
    "https://oauth2.googleapis.com/token#",
    "https://oauth2.googleapis.com/token#x",
    "https://oauth2.googleapis.com/token/",
    "https://oauth2.googleapis.com//token",
    "https://oauth2.googleapis.com/./token",
    "https://oauth2.googleapis.com/x/../token",
    "https://oauth2.googleapis.com/%74oken",
    "https://oauth2.googleapis.com/token%2f..%2fevil",
    "https://oauth2.googleapis.com%2ftoken",
    "https://oauth2.googleapis.com/token;x",
    "https://oauth2.googleapis.com\\token",
    "https://oauth2.googleapis.com/TOKEN",
    "https://OAUTH2.GOOGLEAPIS.COM/token",
    "https://oauth2.googleapis.com/tokeninfo",
    "https://oauth2.googleapis.com/revoke",
    "https://oauth2.googleapis.com/",
    "https://oauth2.googleapis.com",
    "https://accounts.google.com/o/oauth2/auth",
    "https://www.googleapis.com/oauth2/v1/token",
    // Blanks and what controls a terminal, a header, a string.
    " ",
    "\0",
    " https://oauth2.googleapis.com/token",
    "https://oauth2.googleapis.com/token ",
    "https://oauth2.googleapis.com/token\r\n",
    "https://oauth2.googleapis.com/token\nHost: evil.example",
    "https://oauth2.googleapis.com/token HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "https://oauth2.goog\tleapis.com/token",
    "\thttps://oauth2.googleapis.com/token",
    "https://oauth2.googleapis.com\0.evil.example/token",
    "https://oauth2.googleapis.com/token\u{2028}",
    "https://oauth2.googleapis.com/token\u{202e}moc.live",
    "\u{feff}https://oauth2.googleapis.com/token",
    "\u{1b}[2Jhttps://oauth2.googleapis.com/token",
    "\"https://oauth2.googleapis.com/token\"",
    "https://oauth2.googleapis.com/token,https://evil.example/token",
    "null",
];

/// A transport that counts and sends nothing.
#[derive(Clone, Default)]
struct Counting(Arc<AtomicUsize>);

impl Transport for Counting {
    fn send(&self, _: Request<RequestBody<'_>>, _: Timeouts) -> Result<Response<ResponseBody>, Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Err(Error::new(ErrorKind::Other, "this transport sends nothing"))
    }
}

/// Ports of this machine on which every connection is noticed.
struct Ear {
    listeners: Vec<TcpListener>,
    port: u16,
}

impl Ear {
    fn new() -> Self {
        let four = TcpListener::bind("0.0.0.0:0").expect("a port");
        let port = four.local_addr().expect("an address").port();
        let mut listeners = vec![four];
        // Where there is IPv6.
        listeners.extend(TcpListener::bind(("::1", port)).ok());
        Self { listeners, port }
    }

    /// Nobody connected so far: the first to be accepted is the connection made here and now.
    #[track_caller]
    fn assert_heard_nothing(&self) {
        for listener in &self.listeners {
            let mut address = listener.local_addr().expect("an address");
            if address.ip().is_unspecified() {
                address.set_ip([127, 0, 0, 1].into());
            }
            let mine = TcpStream::connect(address).expect("somebody listens");
            let (_, from) = listener.accept().expect("a connection");
            assert_eq!(from, mine.local_addr().expect("an address"), "somebody else connected before");
        }
    }
}

const SCOPES: [&str; 1] = [shortway::scope::ANALYTICS_READONLY];

#[test]
fn hostile_endpoint_of_a_key_file_is_refused_and_nothing_leaves() {
    const { assert!(HOSTILE.len() >= 60) };
    let (ear, transport) = (Ear::new(), Counting::default());
    for uri in HOSTILE {
        let uri = uri.replace("PORT", &ear.port.to_string());
        let key = assert_taken("the key itself is good", {
            ServiceAccountKey::from_json(&with_field("token_uri", uri.as_str()))
        });
        let builder = || shortway::service_account(key.clone(), SCOPES);
        for refused in [
            builder().build().err(),
            builder().transport(transport.clone()).build().err(),
            builder().transport(transport.clone()).subject("a@b.example").build_uncached().err(),
            builder()
                .audience("https://oauth2.googleapis.com/token")
                .transport(transport.clone())
                .build()
                .err(),
        ] {
            let error = refused.unwrap_or_else(|| panic!("{uri:?}: it is taken"));
            assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Config, false), "{uri:?}");
            assert_eq!(
                error.to_string(),
                "the `token_uri` of the key file is not one of Google's token endpoints, so nothing is \
                 sent there; it should be https://oauth2.googleapis.com/token; to use another endpoint on \
                 purpose, name it with token_endpoint()",
                "{uri:?}"
            );
            CANARY.assert_absent(&all_texts(&error));
        }
    }
    assert_eq!(transport.0.load(Ordering::Relaxed), 0);
    ear.assert_heard_nothing();
    println!("{} hostile endpoints refused, {} listeners heard nothing", HOSTILE.len(), ear.listeners.len());
}

#[test]
fn every_endpoint_that_google_named_in_key_files_gets_the_request() {
    for uri in [
        "https://oauth2.googleapis.com/token",
        "https://accounts.google.com/o/oauth2/token",
        "https://www.googleapis.com/oauth2/v4/token",
        "https://www.googleapis.com/oauth2/v3/token",
    ] {
        let key = assert_taken(uri, ServiceAccountKey::from_json(&with_field("token_uri", uri)));
        let transport = Counting::default();
        let builder = shortway::service_account(key, SCOPES).transport(transport.clone());
        let source = builder.build_uncached().expect("a source");
        let identity = source.identity().expect("known");
        // A diverted assertion would be of no use elsewhere: it is addressed to where it is posted.
        assert_eq!((identity.endpoint(), identity.audience()), (Some(uri), Some(uri)));
        assert_eq!(transport.0.load(Ordering::Relaxed), 0, "building sends nothing");
        source.token().expect_err("nothing is sent by this transport");
        assert_eq!(transport.0.load(Ordering::Relaxed), 1, "a request would have been counted");
    }
}

#[test]
fn listeners_and_transport_notice_what_the_caller_opts_into() {
    let (ear, transport) = (Ear::new(), Counting::default());
    let url = format!("http://127.0.0.1:{}/token", ear.port);
    let key = ServiceAccountKey::from_json(&with_field("token_uri", "https://evil.example/")).expect("a key");
    let opted = || {
        let builder = shortway::service_account(key.clone(), SCOPES).token_endpoint(&url);
        builder.retry(shortway::RetryPolicy::NONE)
    };
    opted().transport(transport.clone()).build().expect("a source").token().expect_err("sends nothing");
    assert_eq!(transport.0.load(Ordering::Relaxed), 1);
    // Accept and close at once: what is noticed is the connection.
    std::thread::scope(|scope| {
        let heard = scope.spawn(|| ear.listeners[0].accept().map(|(_, from)| from.ip().is_loopback()));
        let error = opted().build().expect("a source").token().expect_err("nobody answers");
        assert!(error.is_retryable(), "{error}");
        assert!(heard.join().expect("no panic").expect("a connection"));
    });
}

#[test]
fn other_types_of_credentials_are_refused_before_any_of_their_urls_counts() {
    let ear = Ear::new();
    let url = format!("http://127.0.0.1:{}/", ear.port);
    for name in
        ["authorized_user", "external_account", "impersonated_service_account", "gdch_service_account"]
    {
        let urls =
            ["token_uri", "token_url", "token_info_url", "service_account_impersonation_url", "ca_cert_path"];
        let mut fields: Map<String, Value> =
            urls.iter().map(|field| ((*field).to_owned(), url.clone().into())).collect();
        fields.insert("type".into(), name.into());
        fields.insert(
            "credential_source".into(),
            json!({"url": url, "file": "/etc/passwd", "executable": {"command": "/bin/false"}}),
        );
        let text = Value::Object(fields).to_string();
        let error = assert_refused(name, ServiceAccountKey::from_json(&text), ErrorKind::Config);
        assert_eq!(error.message(), format!("the key file is of type `{name}`, not `service_account`"));
        // The same fields beside a good key: ignored, but for the endpoint.
        let mut fields: Map<String, Value> = serde_json::from_str(&text).expect("JSON");
        fields.extend(crate::fixture::FIELDS.clone());
        let key = assert_taken(name, ServiceAccountKey::from_json(&Value::Object(fields).to_string()));
        assert_eq!(key.token_uri(), Some("https://oauth2.googleapis.com/token"));
    }
    ear.assert_heard_nothing();
}
