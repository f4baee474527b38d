//! Requests over ureq, with every rule of the crate set on each request: no setting of a caller's agent
//! changes one.

use super::agent::{Agents, Lent};
use super::check::check;
use super::connection::{HeadBy, Mark};
use super::exchange::{Exchange, Stage};
use super::fault::Fault;
use super::proxy::{Proxies, Route};
use super::stream::{Body, Sent, own_fault};
use super::{RequestBody, ResponseBody, Timeouts, Transport, Url};
use crate::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use ureq::http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use ureq::http::{HeaderMap, HeaderValue, Method, Request, Response, Version};
use ureq::tls::{Certificate, RootCerts};
use ureq::{Agent, AsSendBody, Proxy, SendBody};

/// How long resolving a name, and how long connecting with TLS included, may take: 5 s each. Google answers
/// in tens of milliseconds; a route that is dead should leave time for another attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest time limit that is passed on: a day. ureq adds it to the time of day, which must not overflow.
const MAX_TIMEOUT: Duration = Duration::from_secs(86_400);

/// How long a request that says `Expect: 100-continue` waits for leave to send its body: 1 s, as curl does.
/// Servers that do not know the header say nothing and wait for the body (RFC 9110 §10.1.1).
const AWAIT_CONTINUE: Duration = Duration::from_secs(1);

/// The largest block of response headers that is taken: 32 KiB. Google's are under 2 KiB.
const MAX_HEADERS: usize = 32 * 1024;

/// Sends requests with ureq: HTTP/1.1, TLS 1.2 and 1.3 by rustls. Cloning shares the connections.
///
/// # Connections
///
/// A connection stays open for the next request to its host: at most 15 s, 3 for each host, 10 in all. A
/// connection is closed after an error, after a response that is not read to its end, and after one whose
/// framing is ambiguous.
///
/// # Root certificates
///
/// Trusted are the root certificates built into the crate (Mozilla's, by `webpki-roots`): they are as old as
/// the build. With the feature `platform-verifier` the operating system decides instead.
/// [`with_root_certificates`](Self::with_root_certificates) trusts the given ones and no others.
///
/// # Proxy
///
/// Requests over https go through the proxy that the environment names when the transport is made:
/// `HTTPS_PROXY`, else `ALL_PROXY` (or either in lower case; blanks around the value and empty variables do
/// not count). Its form is `[http[s]://][user[:password]@]host[:port]`; special characters of user name and
/// password are percent-encoded. The port is 80 for http and 443 for https if there is none. A value that is
/// not usable is an error of every request that would need it, never a direct connection. Plain http goes
/// only to this machine, without a proxy.
///
/// `NO_PROXY` (or `no_proxy`) lists hosts that are reached directly, separated by commas or blanks, as curl
/// reads it: `example.com` is that host and all hosts below it, with a dot before it as well as without;
/// `10.0.0.0/8` is a block of addresses; `*` is every host. `host:port` is that port alone. An entry that is
/// not understood is skipped, with one warning in the log.
///
/// # Time limits
///
/// Resolving the host name and connecting (TLS and proxy included) may take 5 s each, the whole exchange what
/// [`Timeouts`] say. A look-up of a name that hangs costs one thread for that name, however many requests
/// wait for it. Up to 16 addresses of a host are tried, IPv6 and IPv4 alternately, each for half the time of
/// the one before it: a dead first address leaves time for the second.
///
/// # `fork` and panics
///
/// After `fork` the child makes connections of its own: it shares none with its parent. This does not help if
/// another thread is inside a request at the moment of the fork: a lock may then stay locked in the child, as
/// with every library that uses locks. Fork before the first thread starts, or `exec` afterwards. A panic
/// inside ureq becomes an error of that request ([`ErrorKind::Aborted`](crate::ErrorKind::Aborted)), and the
/// next request gets a new agent.
pub struct UreqTransport(Arc<Inner>);

struct Inner {
    agents: Agents,
    /// The proxies of the environment; a caller's own agent brings its own.
    proxies: Option<Proxies>,
}

impl UreqTransport {
    /// A transport with the settings above.
    #[must_use]
    pub fn new() -> Self {
        #[cfg(feature = "platform-verifier")]
        let roots = RootCerts::PlatformVerifier;
        #[cfg(not(feature = "platform-verifier"))]
        let roots = RootCerts::WebPki;
        Self::with_roots(roots)
    }

    /// Trusts only the given root certificates: one or more PEM blocks `CERTIFICATE`; blocks of other kinds
    /// and text between them are skipped. For a network whose proxy opens TLS connections.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when there is no certificate in `pem`, or one of them
    /// is damaged.
    pub fn with_root_certificates(pem: &[u8]) -> Result<Self, Error> {
        let roots = root_certificates(pem)?;
        Ok(Self::with_roots(RootCerts::new_with_certs(&roots)))
    }

    fn with_roots(roots: RootCerts) -> Self {
        let agents = Agents::with_roots(roots);
        Self(Arc::new(Inner { agents, proxies: Some(Proxies::from_env()) }))
    }

    /// Uses your agent, for its proxy, root certificates and resolver. Redirects, time limits and status
    /// handling stay this crate's, whatever the agent says. Give the token source and the API agents that
    /// share nothing.
    ///
    /// Five things that hold for an agent of our own do not hold for yours: it cannot be made again after a
    /// panic inside it; its look-ups of names are ureq's, a thread for each; the connection stays open after
    /// a response whose framing is ambiguous; `Expect: 100-continue` is not sent, for over its connections
    /// ureq does not see a response that comes instead; and where the total ends with the head
    /// ([`Timeouts::read`]), it holds for sending the request and for waiting for the head separately, and a
    /// read of the body may take as long as the total if that is longer. In a child after `fork` its
    /// connections are used for one request each.
    #[must_use]
    pub fn with_agent(agent: Agent) -> Self {
        Self(Arc::new(Inner { agents: Agents::of_caller(agent), proxies: None }))
    }
}

/// The certificates in `pem`, each of them sound: ureq leaves out what rustls cannot read, with nothing but a
/// line in its log.
fn root_certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, Fault> {
    let blocks = pem::parse_many(pem).map_err(|_| Fault::DamagedRootCertificate)?;
    let ders: Vec<&[u8]> =
        blocks.iter().filter(|block| block.tag() == "CERTIFICATE").map(pem::Pem::contents).collect();
    let begin = b"-----BEGIN CERTIFICATE-----";
    let begun = pem.windows(begin.len()).filter(|window| window == begin).count();
    if begun == 0 {
        return Err(Fault::NoRootCertificate);
    }
    // The parser skips a block without an end.
    if begun != ders.len() {
        return Err(Fault::DamagedRootCertificate);
    }
    let certificate = |der: &&[u8]| {
        let mut store = rustls::RootCertStore::empty();
        store.add((*der).into()).map_err(|_| Fault::DamagedRootCertificate)?;
        Ok(Certificate::from_der(der).to_owned())
    };
    ders.iter().map(certificate).collect()
}

impl Clone for UreqTransport {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
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
        check(&request)?;
        let lent = self.0.agents.lend();
        let route = self.0.route(&lent, &url)?;
        // ureq panics where the system gives it no thread, and where a lock is poisoned.
        let sent = AssertUnwindSafe(|| self.0.exchange(&lent, route, request, &url, timeouts));
        catch_unwind(sent).unwrap_or_else(|_| {
            self.0.agents.replace();
            Err(Fault::Panicked(url.place()).into())
        })
    }
}

impl Inner {
    /// The way through the proxy to `url`, if there is a proxy.
    fn route(&self, lent: &Lent, url: &Url) -> Result<Option<Route>, Error> {
        match &self.proxies {
            _ if url.is_plain() => Ok(None),
            Some(proxies) => proxies.for_url(url),
            None => {
                let proxy = lent.agent.config().proxy().filter(|proxy| !proxy.is_no_proxy(url.uri()));
                Ok(proxy.map(|proxy| Route { proxy: proxy.clone(), variable: None }))
            }
        }
    }

    fn exchange(
        &self,
        lent: &Lent,
        route: Option<Route>,
        request: Request<RequestBody<'_>>,
        url: &Url,
        timeouts: Timeouts,
    ) -> Result<Response<ResponseBody>, Error> {
        let exchange = Exchange::new(url, route.as_ref(), timeouts);
        let is_ours = self.proxies.is_some();
        let settings = Settings { lent, is_ours, proxy: route.map(|route| route.proxy), timeouts };
        let total = timeouts.total.min(MAX_TIMEOUT);
        let _head_by = HeadBy::set(timeouts.read.map(|_| Instant::now() + total));
        Mark::reset();
        let sent = settings.send(request);
        let mark = Mark::of_this_thread();
        let response = sent.map_err(|error| {
            let stage = match &mark {
                // Connections of a caller's agent have no mark.
                _ if !is_ours => Stage::Unknown,
                None => Stage::Connecting,
                Some(mark) if exchange.has_proxy() && !mark.is_past_proxy() => Stage::Tunnel,
                Some(_) => Stage::Head,
            };
            Error::from(own_fault(error).unwrap_or_else(|error| exchange.fault(error, stage)))
        })?;
        let (parts, body) = response.into_parts();
        let mark = mark.unwrap_or_default();
        check_framing(&parts.headers, &exchange.place, &mark)?;
        if let Some(limit) = timeouts.read {
            mark.limit_reads(limit);
        }
        let body = Body { reader: body.into_reader(), exchange, mark };
        Ok(Response::from_parts(parts, ResponseBody::reader(body)))
    }
}

/// What is set on each request.
struct Settings<'a> {
    lent: &'a Lent,
    /// Whether the agent is our own: its connections hold the deadline of the head.
    is_ours: bool,
    proxy: Option<Proxy>,
    timeouts: Timeouts,
}

impl Settings<'_> {
    fn send(self, request: Request<RequestBody<'_>>) -> Result<Response<ureq::Body>, ureq::Error> {
        let (mut parts, body) = request.into_parts();
        // What else a request can say is not this transport's, or is an agent's setting.
        parts.version = Version::HTTP_11;
        parts.extensions.clear();
        if !self.is_ours {
            parts.headers.remove(EXPECT);
        }
        parts.headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
        match body {
            // Without a length ureq would send a body of chunks.
            RequestBody::Empty if matches!(parts.method, Method::POST | Method::PUT | Method::PATCH) => {
                self.run(Request::from_parts(parts, [].as_slice()))
            }
            RequestBody::Empty => self.run(Request::from_parts(parts, ())),
            RequestBody::Bytes(bytes) => self.run(Request::from_parts(parts, bytes)),
            RequestBody::Reader { reader, length } => {
                if let Some(length) = length {
                    parts.headers.insert(CONTENT_LENGTH, length.into());
                }
                let mut reader = Sent::new(reader, length);
                self.run(Request::from_parts(parts, SendBody::from_reader(&mut reader)))
            }
        }
    }

    fn run<S: AsSendBody>(self, request: Request<S>) -> Result<Response<ureq::Body>, ureq::Error> {
        let total = self.timeouts.total.min(MAX_TIMEOUT);
        let head = self.timeouts.head.map(|head| head.min(total));
        let connect = CONNECT_TIMEOUT.min(head.unwrap_or(total));
        // ureq's total covers the body too. Without it every phase up to the head has the total for itself.
        let (global, phase) = match self.timeouts.read {
            None => (Some(total), None),
            Some(_) => (None, Some(total)),
        };
        let per_read = self.timeouts.read.filter(|_| !self.is_ours).map(|read| read.max(total));
        let mut config = self
            .lent
            .agent
            .configure_request(request)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_response_header_size(MAX_HEADERS)
            .timeout_global(global)
            .timeout_per_call(None)
            .timeout_resolve(Some(connect))
            .timeout_connect(Some(connect))
            .timeout_send_request(phase)
            .timeout_await_100(Some(AWAIT_CONTINUE))
            .timeout_send_body(phase)
            .timeout_recv_response(head.or(phase))
            .timeout_recv_body(None)
            .timeout_per_read(per_read)
            .timeout_per_write(None)
            .proxy(self.proxy);
        if !self.lent.may_reuse {
            // The idle connections are another process's.
            config = config.max_idle_age(Duration::ZERO);
        }
        self.lent.agent.run(config.build())
    }
}

/// Looks at how the end of the body is told. `Content-Length` beside chunks closes the connection (RFC 9112
/// §6.3); a coding other than chunks was not requested, and its content would pass for the body.
fn check_framing(headers: &HeaderMap, host: &str, mark: &Mark) -> Result<(), Fault> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => {
            if headers.contains_key(CONTENT_LENGTH) {
                mark.close();
            }
            mark.watch_chunks();
            Ok(())
        }
        _ => Err(Fault::TransferCoding(host.to_owned())),
    }
}

#[cfg(test)]
#[path = "../../tests/util/server.rs"]
mod server;

#[cfg(test)]
mod tests {
    use super::server::{Act, Server};
    use super::*;
    use crate::error::ErrorKind;
    use std::io::Read;
    use ureq::config::Config;
    use ureq::http::Uri;
    use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
    use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

    #[derive(Debug)]
    struct Panicking;

    impl Resolver for Panicking {
        fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
            // Quietly: as a panic would, without its message.
            std::panic::resume_unwind(Box::new("no thread"))
        }
    }

    fn over(agents: Agents) -> UreqTransport {
        UreqTransport(Arc::new(Inner { agents, proxies: None }))
    }

    fn answering() -> Server {
        Server::always(vec![Act::Answer(Arc::new(|_| (200, Vec::new(), b"ok".to_vec())))])
    }

    fn get(transport: &UreqTransport, server: &Server) -> Result<String, Error> {
        let request = Request::get(server.url()).body(RequestBody::Empty)?;
        let response = transport.send(request, Timeouts::new(Duration::from_secs(5)))?;
        let mut text = String::new();
        response.into_body().read_to_string(&mut text).expect("a body");
        Ok(text)
    }

    #[test]
    fn panic_in_the_client_is_an_error_and_the_agent_is_made_anew() {
        let server = answering();
        let agent = || Agent::with_parts(Config::default(), DefaultConnector::default(), Panicking);
        let ours = over(Agents::starting_with(agent(), Some(RootCerts::WebPki), std::process::id()));
        let error = get(&ours, &server).expect_err("a panic");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Aborted, true));
        assert_eq!(
            error.to_string(),
            format!(
                "the HTTP client panicked during the request to {}; is this process at a limit of threads or \
                 memory?",
                server.address
            )
        );
        assert_eq!(get(&ours, &server).expect("another agent"), "ok");
        let callers = UreqTransport::with_agent(agent());
        for _ in 0..2 {
            assert_eq!(get(&callers, &server).expect_err("the same agent").kind(), ErrorKind::Aborted);
        }
    }

    #[test]
    fn child_after_fork_shares_no_connection_with_its_parent() {
        let server = answering();
        let agent = Agent::new_with_defaults();
        let connect = || {
            let kept = agent.get(server.url()).call().expect("a response");
            assert_eq!(kept.into_body().read_to_string().expect("a body"), "ok");
            server.connections()
        };
        // The parent keeps its connection; to the child the agent is one that another process made.
        assert_eq!((connect(), connect()), (1, 1));
        let child = over(Agents::starting_with(agent.clone(), Some(RootCerts::WebPki), 0));
        for _ in 0..2 {
            get(&child, &server).expect("a response");
            assert_eq!(server.connections(), 2, "one of its own, kept");
        }
        assert_eq!(connect(), 2, "the parent's is still there");
        let child = over(Agents::starting_with(agent.clone(), None, 0));
        for connections in 3..=4 {
            get(&child, &server).expect("a response");
            assert_eq!(server.connections(), connections, "with a caller's agent, one for each request");
        }
    }
}
