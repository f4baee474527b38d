//! Faults on demand: what the next requests get instead of a good answer.

use super::answer::Answer;
use super::matching::Matching;
use super::token_refusal::TokenRefusal;
use crate::testing::server::{FakeRequest, Reply, Way};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A fault that the next request gets, or the next few, for [`FakeGoogle::fault`](super::FakeGoogle::fault).
///
/// It is for one request of any kind, unless [`times`](Self::times), [`always`](Self::always) and
/// [`on`](Self::on) say otherwise. Of several that fit a request, the one that was added first is played. A
/// request with a fault is recorded as every other.
///
/// ```
/// use shortway::testing::{FakeGoogle, Fault, Matching};
/// use std::time::Duration;
///
/// let google = FakeGoogle::builder().start()?;
/// google.fault(Fault::status(503).header("Retry-After", "1").on(Matching::api()).times(2));
/// google.fault(Fault::late(Duration::from_millis(5)).on(Matching::token()));
/// google.fault(Fault::reset().on(Matching::target(":runReport")));
/// # Ok::<(), shortway::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a fault is played when a fake Google has it"]
pub struct Fault {
    /// What is answered instead; `None`: the good answer, which travels badly.
    instead: Option<Instead>,
    headers: Vec<(String, String)>,
    delay: Duration,
    way: Way,
    matching: Matching,
    /// How many requests get it yet; `None`: all.
    left: Option<usize>,
}

#[derive(Clone)]
enum Instead {
    Answer(Answer),
    Status(u16),
    Computed(Arc<dyn Fn(&FakeRequest) -> Fault + Send + Sync>),
}

impl Fault {
    /// This status, with an error in the words that Google has for it: an OAuth error at the token endpoint,
    /// `google.rpc.Status` at the API.
    pub fn status(status: u16) -> Self {
        Self::new(Some(Instead::Status(status)), Way::Whole)
    }

    /// This status and JSON.
    pub fn answer(status: u16, body: impl Into<Value>) -> Self {
        Self::new(Some(Instead::Answer(Answer::json(status, body.into()))), Way::Whole)
    }

    /// This status and these bytes as they are, with no header but their length; add what is missing by
    /// [`header`](Self::header).
    pub fn body(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(Some(Instead::Answer(Answer::bytes(status, body.into()))), Way::Whole)
    }

    /// What the function says to a request. It may wait: other requests are answered meanwhile, and the end of
    /// the fake waits for it.
    ///
    /// ```
    /// use serde_json::json;
    /// use shortway::testing::{FakeGoogle, Fault, Matching};
    ///
    /// let google = FakeGoogle::builder().start()?;
    /// let echo = Fault::computed(|request| Fault::answer(200, json!({"path": request.path()})));
    /// google.fault(echo.on(Matching::target("/echo")).always());
    /// # Ok::<(), shortway::Error>(())
    /// ```
    pub fn computed(fault: impl Fn(&FakeRequest) -> Self + Send + Sync + 'static) -> Self {
        Self::new(Some(Instead::Computed(Arc::new(fault))), Way::Whole)
    }

    /// This status with a page of HTML, as Google's front end sends.
    pub fn html(status: u16) -> Self {
        Self::new(Some(Instead::Answer(Answer::error_page(status))), Way::Whole)
    }

    /// A refusal of the token endpoint.
    pub fn token_refusal(refusal: TokenRefusal) -> Self {
        Self::new(Some(Instead::Answer(refusal.answer())), Way::Whole).on(Matching::token())
    }

    /// Status 302 with this `Location`.
    pub fn redirect(location: impl Into<String>) -> Self {
        Self::new(Some(Instead::Answer(Answer::error_page(302))), Way::Whole).header("Location", location)
    }

    /// A gzip bomb: JSON that says nothing, of this many MiB unpacked and a thousandth of it on the wire. It
    /// is sent also to a client that accepts no gzip.
    #[cfg(feature = "gzip")]
    #[cfg_attr(docsrs, doc(cfg(feature = "gzip")))]
    pub fn bomb(mebibytes: usize) -> Self {
        Self::new(Some(Instead::Answer(Answer::bomb(mebibytes))), Way::Whole)
    }

    /// No answer: the connection is reset (TCP RST) when the whole request has come.
    pub fn reset() -> Self {
        Self::new(None, Way::Reset)
    }

    /// The head of the good answer and half of its body; then the connection ends.
    pub fn truncated() -> Self {
        Self::new(None, Way::Truncated)
    }

    /// The good answer, its body byte by byte with this pause before each.
    pub fn drip(pause: Duration) -> Self {
        Self::new(None, Way::Drip(pause))
    }

    /// The good answer, whole, with a `Content-Length` that is by this many bytes wrong: too long leaves the
    /// client waiting, too short leaves bytes over on a connection that stays open.
    pub fn wrong_length(by: i64) -> Self {
        Self::new(None, Way::WrongLength(by))
    }

    /// The good answer, after this time.
    pub fn late(delay: Duration) -> Self {
        Self::new(None, Way::Whole).after(delay)
    }

    /// Waits this long before the first byte of whatever is answered.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Adds a header to the answer: `Retry-After`.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Only for these requests; others come through.
    pub fn on(mut self, matching: Matching) -> Self {
        self.matching = matching;
        self
    }

    /// For this many requests; 1 by default.
    pub fn times(mut self, times: usize) -> Self {
        self.left = Some(times);
        self
    }

    /// For every request, until [`FakeGoogle::clear_faults`](super::FakeGoogle::clear_faults).
    pub fn always(mut self) -> Self {
        self.left = None;
        self
    }

    fn new(instead: Option<Instead>, way: Way) -> Self {
        let (headers, delay, matching, left) = (Vec::new(), Duration::ZERO, Matching::all(), Some(1));
        Self { instead, headers, delay, way, matching, left }
    }

    /// The fault that it is for the request.
    pub(super) fn resolved(self, request: &FakeRequest) -> Self {
        match &self.instead {
            Some(Instead::Computed(fault)) => fault(request),
            _ => self,
        }
    }

    /// What is answered to the request instead of the good answer, if anything.
    pub(super) fn instead(&self, request: &FakeRequest) -> Option<Answer> {
        match self.instead.as_ref()? {
            Instead::Answer(answer) => Some(answer.clone()),
            Instead::Computed(_) => None,
            Instead::Status(status) if Matching::token().matches(request) => Some(oauth(*status)),
            Instead::Status(status) => Some(api(*status)),
        }
    }

    /// Makes the answer travel as the fault says.
    pub(super) fn spoil(&self, mut reply: Reply) -> Reply {
        reply.headers.extend(self.headers.iter().cloned());
        Reply { delay: self.delay, way: self.way, ..reply }
    }
}

impl fmt::Debug for Instead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(answer) => write!(f, "status {}", answer.status()),
            Self::Status(status) => write!(f, "status {status}"),
            Self::Computed(_) => f.write_str("computed"),
        }
    }
}

/// Takes the first fault that fits the request.
pub(super) fn take(faults: &mut Vec<Fault>, request: &FakeRequest) -> Option<Fault> {
    let fits = |fault: &Fault| fault.left != Some(0) && fault.matching.matches(request);
    let place = faults.iter().position(fits)?;
    let fault = faults[place].clone();
    match &mut faults[place].left {
        Some(1) => drop(faults.remove(place)),
        Some(left) => *left -= 1,
        None => {}
    }
    Some(fault)
}

/// An OAuth error by its status. Google documents codes for 400 and 401; the others are seen through proxies.
fn oauth(status: u16) -> Answer {
    let code = match status {
        503 => "temporarily_unavailable",
        500.. => "internal_failure",
        401 => "invalid_client",
        _ => "invalid_request",
    };
    Answer::json(status, serde_json::json!({"error": code, "error_description": "a fault on demand"}))
}

/// An error of the API by its status, `google.rpc.Code`.
fn api(status: u16) -> Answer {
    let code = match status {
        400 => "INVALID_ARGUMENT",
        401 => return Answer::invalid_token(),
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        500 => "INTERNAL",
        501 => "UNIMPLEMENTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "UNKNOWN",
    };
    Answer::api(status, code, "A fault on demand.", None)
}
