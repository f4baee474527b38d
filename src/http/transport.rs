//! Requests over ureq, with every rule of the crate set on each request: an agent handed in by a user cannot undo one.

use super::fault::{self, Stage};
use super::proxy::Proxies;
use super::{Request, Response, Transport, check_secure, host_of};
use crate::error::{Error, ErrorKind};
use std::fmt;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

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
    fn send(&self, request: &Request<'_>) -> Result<Response, Error> {
        let agent = self.agent().clone();
        // ureq panics where the system gives no thread for a name look-up; a job that runs for months meets that one day.
        catch_unwind(AssertUnwindSafe(|| exchange(&agent, self.0.proxies.as_ref(), request))).unwrap_or_else(
            |_| {
                if let Some(roots) = &self.0.roots {
                    *self.agent() = new_agent(roots);
                }
                Err(Error::new(
                    ErrorKind::Aborted,
                    format!("the HTTP client panicked on the way to {}", host_of(request.url)),
                )
                .with_hint("is this process at a limit of threads or memory?"))
            },
        )
    }
}

fn exchange(agent: &Agent, proxies: Option<&Proxies>, request: &Request<'_>) -> Result<Response, Error> {
    let host = host_of(request.url);
    let mut response = match request.body {
        Some(body) => with_rules(agent.post(request.url), proxies, request)?.send(body),
        None => with_rules(agent.get(request.url), proxies, request)?.call(),
    }
    .map_err(|e| {
        let error = fault::sort(&e, host, request.timeout, Stage::Head);
        let by_proxy =
            !is_plain_http(request.url) && proxies.is_some_and(|p| matches!(p.for_https(), Ok(Some(_))));
        match error.kind() {
            ErrorKind::Connect | ErrorKind::Dns if by_proxy && error.hint().is_none() => error.with_hint(
                "requests go through the proxy that the environment names: is it up, and its name right?",
            ),
            _ => error,
        }
    })?;
    let encoding = response.headers().get("content-encoding").map(|v| v.as_bytes().to_ascii_lowercase());
    let headers = response
        .headers()
        .iter()
        .filter(|(name, _)| *name != "content-encoding")
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let status = response.status().as_u16();
    if (300..400).contains(&status) {
        // A redirect is never followed, and its body never waited for.
        return Ok(Response { status, headers, body: Vec::new() });
    }
    let reader = response.body_mut().as_reader();
    let body = match encoding.as_deref() {
        None | Some(b"identity" | b"") => read_capped(reader, status, request),
        #[cfg(feature = "gzip")]
        Some(b"gzip") if request.accept_gzip => {
            read_capped(flate2::read::MultiGzDecoder::new(reader), status, request)
        }
        Some(_) => Err(Error::new(
            ErrorKind::Protocol,
            format!("{host} answered in an encoding that was not asked for"),
        )),
    }?;
    Ok(Response { status, headers, body })
}

/// Sets on one request all that must hold whatever the agent's own configuration says.
fn with_rules<B>(
    builder: ureq::RequestBuilder<B>,
    proxies: Option<&Proxies>,
    request: &Request<'_>,
) -> Result<ureq::RequestBuilder<B>, Error> {
    let connect = CONNECT_TIMEOUT.min(request.timeout);
    let mut config = builder
        .config()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_response_header_size(MAX_HEADERS)
        .timeout_global(Some(request.timeout.min(MAX_TIMEOUT)))
        .timeout_resolve(Some(connect))
        .timeout_connect(Some(connect));
    if is_plain_http(request.url) {
        check_secure("request's", request.url)?;
        config = config.proxy(None);
    } else if let Some(proxies) = proxies {
        config = config.proxy(proxies.for_https()?);
    }
    // As a header: set in the configuration it would keep the connection out of the agent's pool.
    let mut builder = config.build();
    let gzip = request.accept_gzip && cfg!(feature = "gzip");
    if !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("user-agent")) {
        // Google packs an answer only for a client that says `gzip` in its User-Agent, too.
        let agent = concat!("shortway/", env!("CARGO_PKG_VERSION"));
        builder =
            builder.header("User-Agent", if gzip { format!("{agent} (gzip)") } else { agent.to_owned() });
    }
    builder = builder.header("Accept-Encoding", if gzip { "gzip" } else { "identity" });
    for (name, value) in request.headers {
        builder = builder.header(*name, *value);
    }
    Ok(builder)
}

fn is_plain_http(url: &str) -> bool {
    url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http:"))
}

fn read_capped(reader: impl Read, status: u16, request: &Request<'_>) -> Result<Vec<u8>, Error> {
    let host = host_of(request.url);
    let cap = request.max_body as u64;
    let mut body = Vec::new();
    // One byte more than the cap tells a body that fits from one that does not.
    reader
        .take(cap.saturating_add(1))
        .read_to_end(&mut body)
        .map_err(|e| fault::sort_body(e, host, request.timeout))?;
    if body.len() as u64 > cap {
        if status >= 400 {
            // The status says what there is to know of an error page, however long.
            body.truncate(request.max_body);
            return Ok(body);
        }
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!("the answer of {host} is larger than {cap} bytes"),
        ));
    }
    Ok(body)
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
        let error = transport.send(&Request::get(&url)).expect_err("a panic");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Aborted, true));
        assert_eq!(transport.send(&Request::get(&url)).expect("another agent").body, b"ok");
        server.join().expect("no panic");
    }
}
