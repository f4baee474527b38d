//! Requests over ureq, with every rule of the crate set on each request: an agent handed in by a user cannot undo one.

use super::fault::{self, Stage};
use super::proxy::Proxies;
use super::{RequestBody, ResponseBody, Timeouts, Transport, Url};
use crate::error::{Error, ErrorKind};
use std::fmt;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use ureq::http::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use ureq::http::{HeaderMap, HeaderValue, Method, Request, Response};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, AsSendBody, Proxy, SendBody};

/// How long resolving a name, and how long connecting with TLS included, may take: 5 s each. Google answers in tens of
/// milliseconds; a route that is dead should leave time for another try.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest time limit that is passed on: a day. ureq adds it to the time of day, which must not overflow.
const MAX_TIMEOUT: Duration = Duration::from_secs(86_400);

/// The largest response header block taken: 32 KiB. Google's are under 2 KiB.
const MAX_HEADERS: usize = 32 * 1024;

/// Requests over ureq: HTTP/1.1, TLS by rustls, connections kept for 15 s. Cloning shares the connections.
///
/// Root certificates are those built into the crate (webpki's), or the operating system's with the feature
/// `platform-verifier`, or the caller's own.
///
/// The proxy for https is the one that the environment names: `HTTPS_PROXY`, else `ALL_PROXY` (or either in lower case),
/// unless `NO_PROXY` lists the host. A value that is no usable proxy is an error of every request, never a direct
/// connection. Plain http goes only to this machine, and never through a proxy.
#[derive(Clone)]
pub struct UreqTransport(Arc<Inner>);

struct Inner {
    agent: Mutex<Agent>,
    /// Makes the agent anew after a panic in it. A caller's own agent cannot be made again.
    roots: Option<RootCerts>,
    /// The proxies of the environment; a caller's own agent brings its own.
    proxies: Option<Proxies>,
}

impl UreqTransport {
    /// With an agent of its own.
    #[must_use]
    pub fn new() -> Self {
        #[cfg(feature = "platform-verifier")]
        let roots = RootCerts::PlatformVerifier;
        #[cfg(not(feature = "platform-verifier"))]
        let roots = RootCerts::WebPki;
        Self::with_roots(roots)
    }

    /// With root certificates of the caller's, and no others: one or more PEM blocks `CERTIFICATE`. For a network whose
    /// proxy looks into TLS.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when there is no certificate in `pem`, or one of them is damaged.
    pub fn with_root_certificates(pem: &[u8]) -> Result<Self, Error> {
        let damaged =
            || Error::new(ErrorKind::Config, "a root certificate is damaged: it is no PEM or no DER inside");
        let mut roots: Vec<Certificate<'static>> = Vec::new();
        for item in parse_pem(pem) {
            match item.map_err(|_| damaged())? {
                PemItem::Certificate(certificate) if is_one_sequence(certificate.der()) => {
                    roots.push(certificate);
                }
                PemItem::Certificate(_) => return Err(damaged()),
                _ => {}
            }
        }
        if roots.is_empty() {
            return Err(Error::new(ErrorKind::Config, "there is no root certificate in what was given")
                .with_hint("give PEM text with at least one block -----BEGIN CERTIFICATE-----"));
        }
        Ok(Self::with_roots(RootCerts::new_with_certs(&roots)))
    }

    fn with_roots(roots: RootCerts) -> Self {
        let inner = Inner {
            agent: Mutex::new(new_agent(&roots)),
            roots: Some(roots),
            proxies: Some(Proxies::from_env()),
        };
        Self(Arc::new(inner))
    }

    /// With an agent of the caller's, for its proxy, root certificates and resolver. Redirects, time limits, status
    /// handling and caps stay this crate's, whatever the agent says. Give the token source and the API agents that share
    /// nothing.
    #[must_use]
    pub fn with_agent(agent: Agent) -> Self {
        Self(Arc::new(Inner { agent: Mutex::new(agent), roots: None, proxies: None }))
    }

    fn agent(&self) -> MutexGuard<'_, Agent> {
        self.0.agent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn new_agent(roots: &RootCerts) -> Agent {
    let tls = TlsConfig::builder().root_certs(roots.clone()).build();
    // The environment's proxy is set per request.
    Agent::config_builder().tls_config(tls).proxy(None).build().new_agent()
}

/// Whether a DER blob is one whole SEQUENCE, as a certificate is: ureq leaves out what it cannot read, without a word.
fn is_one_sequence(der: &[u8]) -> bool {
    match der {
        [0x30, 0x82, high, low, rest @ ..] => usize::from(u16::from_be_bytes([*high, *low])) == rest.len(),
        [0x30, 0x81, length, rest @ ..] => usize::from(*length) == rest.len(),
        _ => false,
    }
}

impl Default for UreqTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for UreqTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UreqTransport").finish_non_exhaustive()
    }
}

impl Transport for UreqTransport {
    fn send(
        &self,
        request: Request<RequestBody<'_>>,
        timeouts: Timeouts,
    ) -> Result<Response<ResponseBody>, Error> {
        let url = Url::of_request(request.uri())?;
        let agent = self.agent().clone();
        // ureq panics when the system gives no thread for a name look-up; a job that runs for months meets that one day.
        catch_unwind(AssertUnwindSafe(|| exchange(&agent, self.0.proxies.as_ref(), request, &url, timeouts)))
            .unwrap_or_else(|_| {
                if let Some(roots) = &self.0.roots {
                    *self.agent() = new_agent(roots);
                }
                Err(Error::new(
                    ErrorKind::Aborted,
                    format!("the HTTP client panicked on the way to {}", url.host()),
                )
                .with_hint("is this process at a limit of threads or memory?"))
            })
    }
}

fn exchange(
    agent: &Agent,
    proxies: Option<&Proxies>,
    request: Request<RequestBody<'_>>,
    url: &Url,
    timeouts: Timeouts,
) -> Result<Response<ResponseBody>, Error> {
    let (mut parts, body) = request.into_parts();
    check_headers(&parts.headers)?;
    parts.headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
    let proxy = match proxies {
        Some(proxies) if !url.is_plain() => Some(proxies.for_https()?),
        _ => url.is_plain().then_some(None),
    };
    let by_proxy = matches!(proxy, Some(Some(_)));
    let sent = match body {
        // Without a length ureq would send a body of chunks.
        RequestBody::Empty if matches!(parts.method, Method::POST | Method::PUT | Method::PATCH) => {
            run(agent, proxy, Request::from_parts(parts, [].as_slice()), timeouts)
        }
        RequestBody::Empty => run(agent, proxy, Request::from_parts(parts, ()), timeouts),
        RequestBody::Bytes(bytes) => run(agent, proxy, Request::from_parts(parts, bytes), timeouts),
        RequestBody::Reader { mut reader, length } => {
            if let Some(length) = length {
                parts.headers.insert(CONTENT_LENGTH, length.into());
            }
            let body = SendBody::from_reader(&mut reader);
            run(agent, proxy, Request::from_parts(parts, body), timeouts)
        }
    };
    let response = sent.map_err(|error| {
        let limit = timeouts.head.map_or(timeouts.total, |head| head.min(timeouts.total));
        let error = fault::sort(&error, url.host(), limit, Stage::Head);
        match error.kind() {
            ErrorKind::Connect | ErrorKind::Dns if by_proxy && error.hint().is_none() => error.with_hint(
                "requests go through the proxy that the environment names: is it up, and its name right?",
            ),
            _ => error,
        }
    })?;
    let (parts, body) = response.into_parts();
    let body = Body { reader: body.into_reader(), host: url.host().to_owned(), limit: timeouts.total };
    Ok(Response::from_parts(parts, ResponseBody::reader(body)))
}

/// Sends one request with all that must hold whatever the agent's own configuration says. `proxy` replaces the agent's
/// own setting, `None` keeps it.
fn run<S: AsSendBody>(
    agent: &Agent,
    proxy: Option<Option<Proxy>>,
    request: Request<S>,
    timeouts: Timeouts,
) -> Result<Response<ureq::Body>, ureq::Error> {
    let total = timeouts.total.min(MAX_TIMEOUT);
    let connect = CONNECT_TIMEOUT.min(total);
    let mut config = agent
        .configure_request(request)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_response_header_size(MAX_HEADERS)
        .timeout_global(Some(total))
        .timeout_resolve(Some(connect))
        .timeout_connect(Some(connect))
        .timeout_recv_response(timeouts.head);
    if let Some(proxy) = proxy {
        config = config.proxy(proxy);
    }
    agent.run(config.build())
}

/// Refuses headers that the transport sets itself: with other values they would end a message in the wrong place, or
/// send it to another host.
fn check_headers(headers: &HeaderMap) -> Result<(), Error> {
    match [CONTENT_LENGTH, TRANSFER_ENCODING, HOST, CONNECTION]
        .iter()
        .find(|name| headers.contains_key(*name))
    {
        None => Ok(()),
        Some(name) => Err(Error::new(
            ErrorKind::Config,
            format!("the request cannot be sent: its header `{name}` is set by the transport"),
        )
        .with_hint("leave the header out; give the length of a body with RequestBody::reader")),
    }
}

/// The body of a response, with ureq's errors as ours.
struct Body {
    reader: ureq::BodyReader<'static>,
    host: String,
    limit: Duration,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => io::Error::other(fault::sort(&error.into(), &self.host, self.limit, Stage::Body)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;
    use ureq::config::Config;
    use ureq::http::Uri;
    use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
    use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

    #[derive(Debug)]
    struct Panicking;

    impl Resolver for Panicking {
        fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
            // Quietly: as a panic would, without its message.
            std::panic::resume_unwind(Box::new("no thread to be had"))
        }
    }

    #[test]
    fn panic_in_the_client_is_an_error_and_the_agent_is_made_anew() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let _ = stream.read(&mut [0; 1024]);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").expect("written");
        });
        let agent = Agent::with_parts(Config::default(), DefaultConnector::default(), Panicking);
        let transport = UreqTransport(Arc::new(Inner {
            agent: Mutex::new(agent),
            roots: Some(RootCerts::WebPki),
            proxies: None,
        }));
        let get = || {
            let request = Request::get(&url).body(RequestBody::Empty).expect("a request");
            transport.send(request, Timeouts::new(Duration::from_secs(5)))
        };
        let error = get().expect_err("a panic");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Aborted, true));
        let mut body = String::new();
        get().expect("another agent").into_body().read_to_string(&mut body).expect("a body");
        assert_eq!(body, "ok");
        server.join().expect("no panic");
    }
}
