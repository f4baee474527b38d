//! An HTTP client whose requests have a token, and which replaces a token that the server refuses.
//!
//! In: a request without credentials. Out: its response. The token goes only to the hosts that it is for. On
//! a 401 that is about the token, that very token is invalidated and the request is sent once more with
//! another one. RFC 6750 §2.1, §3.

mod challenge;
mod hosts;
mod refusal;
mod upload;

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind, scrub_secret};
use crate::http::{
    HeaderName, HeaderValue, Limits, Request, RequestBody, Response, ResponseBody, Transport, Url, call,
    check, header, open,
};
use crate::token::Token;
use crate::token_source::{Ask, Identity, TokenSource};
use challenge::is_about_the_token;
use hosts::Hosts;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use upload::Upload;

/// An HTTP client whose requests have a token, for any Google API. Cloning shares source and transport, and
/// costs next to nothing: a clone with other settings is the way to settings for one request.
///
/// Requests and responses are those of the `http` crate, of every method but CONNECT and TRACE.
///
/// | Method | Body out | Body in | Time |
/// |---|---|---|---|
/// | [`send`](Self::send) | bytes or a reader | in memory, up to 1 MiB | 30 s in all |
/// | [`stream`](Self::stream) | bytes or a reader | a reader, any length | 30 s to the head, then 30 s a read |
/// | [`json`](Self::json) | a value of yours | a value of yours, up to 1 MiB | 30 s in all |
///
/// ```no_run
/// use shortway::http::{Request, RequestBody, UreqTransport};
/// use shortway::{Authorized, ServiceAccountKey, scope};
/// use std::fs::File;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Bucket {
///     name: String,
/// }
///
/// let key = ServiceAccountKey::from_file("key.json")?;
/// let tokens = shortway::service_account(key, [scope::CLOUD_PLATFORM]).build()?;
/// let api = Authorized::new(tokens, UreqTransport::new());
/// let storage = "https://storage.googleapis.com";
///
/// // JSON in and out.
/// let new = Bucket { name: "nightly".into() };
/// let made: Bucket = api.json(Request::post(format!("{storage}/storage/v1/b?project=p")).body(&new)?)?;
///
/// // A file up, without holding it in memory.
/// let url = format!("{storage}/upload/storage/v1/b/nightly/o?uploadType=media&name=rows.csv");
/// let file = RequestBody::reader(File::open("rows.csv")?, None);
/// assert_eq!(api.send(Request::post(url).body(file)?)?.status(), 200);
///
/// // And down again.
/// let url = format!("{storage}/storage/v1/b/nightly/o/rows.csv?alt=media");
/// let response = api.stream(Request::get(url).body(())?)?;
/// if !response.status().is_success() {
///     return Err(format!("rows.csv: HTTP status {}", response.status()).into());
/// }
/// std::io::copy(&mut response.into_body(), &mut File::create("copy.csv")?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Where the token goes
///
/// To Google's API hosts over https: `googleapis.com` and all hosts below it. Every other host is named with
/// [`with_host`](Self::with_host), a service on this machine too; requests to others fail before there is a
/// token. A redirect is a response like any other: it is returned, and nothing is sent to where it points.
///
/// # When the server refuses the token
///
/// On a 401 whose challenge says `invalid_token`, or names no error, or that has no challenge, that very
/// token is invalidated at the source, and the request is sent once more with another one. Any other 401 is
/// the response. With a source that caches, as every `build()` returns it, a server that goes on refusing
/// costs at most three tokens a minute, however many threads send requests.
///
/// A body from a reader goes with `Expect: 100-continue`: a server that knows this header refuses the token
/// before the body is read, and the request can be sent again. A server that does not know it makes such a
/// request a second longer. Once something was read of the reader, a 401 is the response: the token is
/// invalidated, and it is up to the caller to send the request again.
///
/// # Headers
///
/// `Authorization` is set here. `x-goog-user-project` names the project whose quota is used (AIP-4110): the
/// request's own, else that of [`with_quota_project_id`](Self::with_quota_project_id), else that of the token
/// source. `Content-Length`, `Transfer-Encoding`, `Host`, `Connection`, `TE`, `Trailer` and `Upgrade` belong
/// to the transport: a request that has one of them is refused.
#[derive(Clone)]
pub struct Authorized {
    tokens: Arc<dyn TokenSource>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    hosts: Arc<Hosts>,
    quota_project_id: Option<Arc<str>>,
    timeout: Duration,
    read_timeout: Duration,
    deadline: Option<Instant>,
    max_body: Option<usize>,
    accept_gzip: bool,
}

/// The response to an authorized request, and the token that it was sent with: no text of the response that
/// repeats the token is shown.
pub(crate) struct Answer<B = Vec<u8>> {
    pub(crate) response: Response<B>,
    pub(crate) token: Token,
}

/// What an authorized call failed at.
pub(crate) enum Failed {
    /// The token source had no token; it has retries of its own.
    Token(Error),
    /// The request could not be sent, or its response not be read.
    Request(Error),
}

/// How long a request may take: 30 s.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long a read of a streamed response may take: 30 s.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest time limit that counts: a day. Added to a clock's reading it must not overflow.
const MAX_TIMEOUT: Duration = Duration::from_secs(86_400);

/// The largest response taken into memory: 1 MiB.
const MAX_BODY: usize = 1 << 20;

/// The project whose quota a request counts against (AIP-4110).
const QUOTA_PROJECT: HeaderName = HeaderName::from_static("x-goog-user-project");

const JSON: HeaderValue = HeaderValue::from_static("application/json");

impl Authorized {
    /// Tokens from `tokens`, requests through `transport`. The token source has a transport of its own: the
    /// two never share connections or settings.
    pub fn new(tokens: impl TokenSource + 'static, transport: impl Transport + 'static) -> Self {
        Self {
            tokens: Arc::new(tokens),
            transport: Arc::new(transport),
            clock: Arc::new(SystemClock),
            hosts: Arc::default(),
            quota_project_id: None,
            timeout: TIMEOUT,
            read_timeout: READ_TIMEOUT,
            deadline: None,
            max_body: None,
            accept_gzip: false,
        }
    }

    /// Lets the token go to the host of `url` too: scheme, host and port count. It must be https, or http
    /// with a loopback IP address; tokens of a service of yours, or of a fake, are for such hosts. There are
    /// no patterns: each host is named on its own.
    ///
    /// ```
    /// # use shortway::{Authorized, TokenSource, http::UreqTransport};
    /// # fn of(id_tokens: impl TokenSource + 'static) -> Result<Authorized, shortway::Error> {
    /// let api = Authorized::new(id_tokens, UreqTransport::new()).with_host("https://my-service-x.run.app")?;
    /// # Ok(api)
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when `url` is neither, or its host is a pattern.
    pub fn with_host(self, url: &str) -> Result<Self, Error> {
        let url = Url::endpoint("named host's", url)?;
        if url.host().contains('*') {
            return Err(Error::new(ErrorKind::Config, "the named host's URL has a `*` in its host")
                .with_hint("name each host on its own: there are no patterns"));
        }
        Ok(self.with_host_of(&url))
    }

    pub(crate) fn with_host_of(mut self, url: &Url) -> Self {
        Arc::make_mut(&mut self.hosts).add(url);
        self
    }

    /// Counts requests against the quota of this project (AIP-4110); by default that of the token source
    /// ([`Identity::quota_project_id`]), else the account's own.
    #[must_use]
    pub fn with_quota_project_id(mut self, project: impl Into<String>) -> Self {
        self.quota_project_id = Some(project.into().into());
        self
    }

    /// Takes the time from `clock`, which should be the token source's too; by default the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets how long a request may take, the token, the sending of the body and the repetition included: 30 s
    /// by default, a day at most. The body of the response is included too, unless it is
    /// [streamed](Self::stream).
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.min(MAX_TIMEOUT);
        self
    }

    /// Sets when the same must be over at the latest, by the monotonic clock: for a caller that has a
    /// deadline itself. None by default.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets how long each read of the body of a [streamed](Self::stream) response may take: 30 s by default.
    #[must_use]
    pub fn with_read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout.min(MAX_TIMEOUT);
        self
    }

    /// Sets how many bytes of a response are taken, decoded: by default 1 MiB in memory, and any number when
    /// it is [streamed](Self::stream). In memory, error responses are cut at 64 KiB.
    #[must_use]
    pub fn with_max_body(mut self, bytes: usize) -> Self {
        self.max_body = Some(bytes);
        self
    }

    /// Sets whether responses may be compressed (with the feature `gzip`): not by default. They are decoded
    /// here, streamed ones too.
    #[must_use]
    pub fn with_gzip(mut self, accept: bool) -> Self {
        self.accept_gzip = accept;
        self
    }

    /// Sends `request` with a token, and reads the response. One of any status is `Ok`. The body of a
    /// redirect is not read.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the request cannot be sent: its host is not among those that the token may
    /// go to, its method or one of its headers is not sent, or its body cannot be read. Those of the token
    /// source and of [`Transport::send`]; [`ErrorKind::TooLarge`] and [`ErrorKind::Timeout`] at the limits.
    pub fn send<'a>(&self, request: Request<impl Into<RequestBody<'a>>>) -> Result<Response<Vec<u8>>, Error> {
        let answer = self.call(request.map(Into::into), &Ask::new(), self.limits(MAX_BODY));
        answer.map(|answer| answer.response).map_err(Failed::into_error)
    }

    /// Sends `request` with a token, and returns the response as soon as its head is there. One of any status
    /// is `Ok`. The body is read by the caller: each read may take 30 s
    /// ([`with_read_timeout`](Self::with_read_timeout)), and the whole any time.
    ///
    /// What breaks on the way is an `io::Error` with an [`Error`] inside: a connection that is closed before
    /// the end of the body ([`ErrorKind::Closed`]), a read that takes too long ([`ErrorKind::Timeout`]), a
    /// body beyond [`with_max_body`](Self::with_max_body) ([`ErrorKind::TooLarge`]). A body that neither
    /// `Content-Length` nor chunks delimit ends where the connection ends; whether that is all of it, nobody
    /// can tell.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn stream<'a>(
        &self,
        request: Request<impl Into<RequestBody<'a>>>,
    ) -> Result<Response<ResponseBody>, Error> {
        let limits = self.limits(usize::MAX);
        let open = |to: (&Url, Request<RequestBody<'_>>)| {
            open(&*self.transport, &*self.clock, to, limits, self.read_timeout)
        };
        let answer = self.exchange(request.map(Into::into), &Ask::new(), limits.deadline, open);
        answer.map(|answer| answer.response).map_err(Failed::into_error)
    }

    /// Sends the body of `request` as JSON, and reads the response as JSON. A body that is `null` in JSON,
    /// such as `()`, is no body; a response of 2xx without content is `null`, which `Option` takes, and
    /// [`serde::de::IgnoredAny`], which takes everything else too.
    ///
    /// ```no_run
    /// # use shortway::{Authorized, http::Request};
    /// # fn run(api: Authorized) -> Result<(), shortway::Error> {
    /// let url = "https://storage.googleapis.com/storage/v1/b/nightly";
    /// let bucket: serde_json::Value = api.json(Request::get(url).body(())?)?;
    /// let labels = serde_json::json!({"labels": {"team": "web"}});
    /// let bucket: serde_json::Value = api.json(Request::patch(url).body(labels)?)?;
    /// api.json::<serde::de::IgnoredAny>(Request::delete(url).body(())?)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send). A status other than 2xx is an error too, with [`Error::status`] and, as its
    /// [cause](Error::cause), the [`GoogleStatus`](crate::GoogleStatus) that the API sent:
    /// [`ErrorKind::Api`], [`Quota`](ErrorKind::Quota), [`Unavailable`](ErrorKind::Unavailable),
    /// [`Redirect`](ErrorKind::Redirect). Nothing is sent again here. [`ErrorKind::Schema`] when the response
    /// is not JSON, or does not fit `T`; [`ErrorKind::Config`] when the body cannot be written as JSON.
    pub fn json<T: DeserializeOwned>(&self, request: Request<impl Serialize>) -> Result<T, Error> {
        let (mut parts, value) = request.into_parts();
        let text = serde_json::to_vec(&value).map_err(|error| {
            let reason = scrub_secret(&error.to_string(), "");
            let message =
                format!("the request cannot be sent: its value cannot be written as JSON: {reason}");
            Error::new(ErrorKind::Config, message)
        })?;
        let mut body = RequestBody::Empty;
        if text != b"null" {
            parts.headers.entry(header::CONTENT_TYPE).or_insert(JSON);
            body = RequestBody::Bytes(&text);
        }
        parts.headers.entry(header::ACCEPT).or_insert(JSON);
        let url = Url::of_request(&parts.uri)?;
        let Answer { response, token } = self
            .call(Request::from_parts(parts, body), &Ask::new(), self.limits(MAX_BODY))
            .map_err(Failed::into_error)?;
        let (place, identity) = (url.place(), self.identity());
        let context = refusal::Context {
            place: &place,
            identity: identity.as_ref(),
            secret: token.expose_secret(),
            answered: self.clock.now(),
        };
        refusal::value(&response, context)
    }

    /// The identity that the tokens stand for, if the source knows it.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        self.tokens.identity()
    }

    /// The limits of a request from now on; `max_body` if none was set.
    fn limits(&self, max_body: usize) -> Limits {
        let timeout = self.clock.monotonic() + self.timeout;
        Limits {
            deadline: self.deadline.map_or(timeout, |deadline| deadline.min(timeout)),
            head: None,
            max_body: self.max_body.unwrap_or(max_body),
            accept_gzip: self.accept_gzip,
        }
    }

    /// [`send`](Self::send) within `limits`, telling what failed.
    pub(crate) fn call(
        &self,
        request: Request<RequestBody<'_>>,
        ask: &Ask,
        limits: Limits,
    ) -> Result<Answer, Failed> {
        let call = |to: (&Url, Request<RequestBody<'_>>)| call(&*self.transport, &*self.clock, to, limits);
        self.exchange(request, ask, limits.deadline, call)
    }

    /// Sends `request` through `send` with a token, and once more if the server refuses the token.
    fn exchange<B>(
        &self,
        request: Request<RequestBody<'_>>,
        ask: &Ask,
        deadline: Instant,
        send: impl Fn((&Url, Request<RequestBody<'_>>)) -> Result<Response<B>, Error>,
    ) -> Result<Answer<B>, Failed> {
        let url = self.admit(&request).map_err(Failed::Request)?;
        let ask = ask.clone().with_deadline(deadline);
        let token = self.tokens.token_for(&ask).map_err(Failed::Token)?;
        let mut upload = Upload::new(request);
        let response = self.attempt((&url, &mut upload), &token, &send).map_err(Failed::Request)?;
        if !is_about_the_token(&response) {
            return Ok(Answer { response, token });
        }
        self.tokens.invalidate(&token);
        if !upload.can_be_repeated() {
            return Ok(Answer { response, token });
        }
        match self.tokens.token_for(&ask) {
            Ok(other) if other != token => {
                let response = self.attempt((&url, &mut upload), &other, &send).map_err(Failed::Request)?;
                Ok(Answer { response, token: other })
            }
            Err(error) if error.kind() != ErrorKind::Backoff => Err(Failed::Token(error)),
            // There is no other token yet: the refusal is the response.
            Ok(_) | Err(_) => Ok(Answer { response, token }),
        }
    }

    /// Refuses a request that cannot be sent, before it costs a token.
    fn admit<B>(&self, request: &Request<B>) -> Result<Url, Error> {
        let url = Url::of_request(request.uri())?;
        self.hosts.check(&url)?;
        check(request)?;
        Ok(url)
    }

    fn attempt<B>(
        &self,
        (url, upload): (&Url, &mut Upload<'_>),
        token: &Token,
        send: impl Fn((&Url, Request<RequestBody<'_>>)) -> Result<Response<B>, Error>,
    ) -> Result<Response<B>, Error> {
        let outcome = send((url, self.authorized(upload.request(), token)?));
        if upload.stops_asking(&outcome) {
            return send((url, self.authorized(upload.request(), token)?));
        }
        outcome
    }

    /// The request with the headers that are set here.
    fn authorized<B>(&self, mut request: Request<B>, token: &Token) -> Result<Request<B>, Error> {
        let headers = request.headers_mut();
        let mut bearer =
            HeaderValue::from_str(token.authorization_secret()).map_err(ureq::http::Error::from)?;
        bearer.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, bearer);
        let identity = if self.quota_project_id.is_some() { None } else { self.identity() };
        let of_identity = identity.as_ref().and_then(Identity::quota_project_id);
        if let Some(project) = self.quota_project_id.as_deref().or(of_identity) {
            let project = HeaderValue::from_str(project).map_err(|_| {
                let message =
                    format!("the request cannot be sent: its header `{QUOTA_PROJECT}` is not valid");
                Error::new(ErrorKind::Config, message).with_hint(
                    "correct the quota project: it looks like my-project-123, or is the project's number",
                )
            })?;
            headers.entry(QUOTA_PROJECT).or_insert(project);
        }
        Ok(request)
    }
}

impl Failed {
    /// The error, with the way to a higher limit.
    fn into_error(self) -> Error {
        match self {
            Self::Request(error) if error.kind() == ErrorKind::TooLarge => {
                error.with_hint("raise the limit with Authorized::with_max_body")
            }
            Self::Token(error) | Self::Request(error) => error,
        }
    }
}

impl fmt::Debug for Authorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorized").field("identity", &self.identity()).finish_non_exhaustive()
    }
}
