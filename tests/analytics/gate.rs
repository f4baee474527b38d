//! Requests at the same time, and server errors: a process shares one budget.

use crate::util::endpoint::Endpoint;
use crate::{columns, week};
use shortway::analytics::{Analytics, Property};
use shortway::http::{Request, RequestBody, Response, ResponseBody, Timeouts, Transport};
use shortway::testing::ManualClock;
use shortway::{Error, ErrorKind, RetryPolicy, Token, TokenKind, TokenSource};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant, SystemTime};

const HOUR: Duration = Duration::from_secs(3600);

/// A service whose answers wait until it is open.
#[derive(Clone, Default)]
struct Site(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    /// The status of every answer; 0 is a transport that panics.
    status: u16,
    is_open: bool,
    under_way: usize,
    most: usize,
    /// The names of the threads that sent a request, in their order.
    sent: Vec<String>,
}

impl Site {
    fn new(status: u16) -> Self {
        let site = Self::default();
        site.state().status = status;
        site
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().expect("the state")
    }

    fn open(&self) {
        self.state().is_open = true;
        self.0.1.notify_all();
    }

    /// From now on answers wait, and have this status.
    fn close(&self, status: u16) {
        let mut state = self.state();
        (state.is_open, state.status) = (false, status);
    }

    fn sent(&self) -> usize {
        self.state().sent.len()
    }
}

impl Transport for Site {
    fn send(&self, _: Request<RequestBody<'_>>, _: Timeouts) -> Result<Response<ResponseBody>, Error> {
        let mut state = self.state();
        state.under_way += 1;
        state.most = state.most.max(state.under_way);
        state.sent.push(thread::current().name().unwrap_or_default().to_owned());
        let mut state = self.0.1.wait_while(state, |state| !state.is_open).expect("the state");
        state.under_way -= 1;
        let status = state.status;
        drop(state);
        assert!(status > 0, "the transport panics");
        let body = columns("country", "sessions", &[("Italy", "7")]).to_string().into_bytes();
        Ok(Response::builder().status(status).body(ResponseBody::from(body)).expect("a response"))
    }
}

fn tokens() -> impl TokenSource {
    shortway::from_fn(|| Token::new(TokenKind::Access, "ya29.x", SystemTime::now() + 1000 * 24 * HOUR))
}

fn client(site: &Site, clock: &ManualClock) -> Analytics {
    Analytics::with_transport(tokens(), site.clone()).with_clock(clock.clone()).with_retry(RetryPolicy::NONE)
}

fn run(property: &Property) -> Result<usize, Error> {
    property.run_report(&week().dimensions(["country"]).metrics(["sessions"])).map(|report| report.len())
}

/// Runs a report in a thread of this name.
fn spawn<'s>(
    scope: &'s Scope<'s, '_>,
    property: &'s Property,
    name: &str,
) -> ScopedJoinHandle<'s, Result<usize, Error>> {
    thread::Builder::new().name(name.into()).spawn_scoped(scope, || run(property)).expect("a thread")
}

#[track_caller]
fn until(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        if begun.elapsed() > Duration::from_secs(30) {
            std::process::abort(); // the other threads would wait for ever
        }
        thread::yield_now();
    }
}

#[test]
fn never_more_requests_are_under_way_than_configured() {
    for (configured, most) in [(None, 5), (Some(3), 3), (Some(0), 1), (Some(8), 8)] {
        let (site, clock) = (Site::new(200), ManualClock::new());
        let analytics = client(&site, &clock);
        let property = match configured {
            Some(most) => analytics.with_concurrent_requests(most),
            None => analytics,
        }
        .property(1234);
        thread::scope(|scope| {
            let callers: Vec<_> = (0..12).map(|_| spawn(scope, &property, "")).collect();
            until(|| site.sent() == most && clock.waiting() == 12 - most);
            site.open();
            for caller in callers {
                assert_eq!(caller.join().expect("no panic").expect("a report"), 1);
            }
        });
        let state = site.state();
        assert_eq!((state.most, state.sent.len()), (most, 12));
    }
}

#[test]
fn requests_to_another_property_do_not_wait() {
    let (site, clock) = (Site::new(200), ManualClock::new());
    let analytics = client(&site, &clock).with_concurrent_requests(1);
    let (one, other) = (analytics.property(1), analytics.property(2));
    thread::scope(|scope| {
        let callers = [spawn(scope, &one, "one"), spawn(scope, &other, "other")];
        until(|| site.sent() == 2);
        site.open();
        for caller in callers {
            assert_eq!(caller.join().expect("no panic").expect("a report"), 1);
        }
    });
}

#[test]
fn requests_that_wait_are_sent_in_the_order_of_asking() {
    let (site, clock) = (Site::new(200), ManualClock::new());
    let property = client(&site, &clock).with_concurrent_requests(1).property(1234);
    thread::scope(|scope| {
        let first = spawn(scope, &property, "0");
        until(|| site.sent() == 1);
        let waiting = ["1", "2", "3", "4"].map(|name| {
            let before = clock.waiting();
            let caller = spawn(scope, &property, name);
            until(|| clock.waiting() > before);
            caller
        });
        site.open();
        for caller in [first].into_iter().chain(waiting) {
            assert_eq!(caller.join().expect("no panic").expect("a report"), 1);
        }
    });
    assert_eq!(site.state().sent, ["0", "1", "2", "3", "4"]);
}

#[test]
fn request_that_waits_keeps_its_deadline_and_is_not_sent() {
    let (site, clock) = (Site::new(200), ManualClock::new());
    let patient = client(&site, &clock).with_concurrent_requests(1);
    let hasty = patient.clone().with_timeout(Duration::from_secs(30)).property(1234);
    let patient = patient.property(1234);
    thread::scope(|scope| {
        let first = spawn(scope, &patient, "first");
        until(|| site.sent() == 1);
        let late = spawn(scope, &hasty, "late");
        until(|| clock.waiting() == 1);
        let next = spawn(scope, &patient, "next");
        until(|| clock.waiting() == 2);
        clock.advance(Duration::from_secs(30));
        let error = late.join().expect("no panic").expect_err("too late");
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, None));
        assert_eq!(
            error.to_string(),
            "cannot get the report on property 1234: 1 under way there already, and none ended before the deadline; \
             send fewer requests at the same time, or give them more time with Analytics::with_timeout"
        );
        site.open();
        for caller in [first, next] {
            assert_eq!(caller.join().expect("no panic").expect("a report"), 1);
        }
    });
    assert_eq!(site.state().sent, ["first", "next"]);
}

#[test]
fn request_that_panics_gives_its_place_back() {
    let (site, clock) = (Site::new(0), ManualClock::new());
    let property = client(&site, &clock).with_concurrent_requests(1).property(1234);
    site.open();
    assert!(catch_unwind(AssertUnwindSafe(|| run(&property))).is_err());
    site.state().status = 200;
    assert_eq!(run(&property).expect("a report"), 1);
}

#[test]
fn twenty_threads_at_once_spend_five_server_errors_and_no_more() {
    let (site, clock) = (Site::new(503), ManualClock::new());
    let property = client(&site, &clock).property(1234);
    let kinds = thread::scope(|scope| {
        let callers: Vec<_> = (0..20).map(|_| spawn(scope, &property, "")).collect();
        until(|| site.sent() == 5 && clock.waiting() == 15);
        site.open();
        callers
            .into_iter()
            .map(|c| c.join().expect("no panic").expect_err("no report").kind())
            .collect::<Vec<_>>()
    });
    let count = |kind| kinds.iter().filter(|found| **found == kind).count();
    assert_eq!((count(ErrorKind::Unavailable), count(ErrorKind::Quota), site.sent()), (5, 15, 5));
}

#[test]
fn requests_that_may_fail_count_as_server_errors_after_the_first() {
    let (site, clock) = (Site::new(503), ManualClock::new());
    let property = client(&site, &clock).with_concurrent_requests(10).property(1234);
    site.open();
    for _ in 0..3 {
        assert_eq!(run(&property).expect_err("no report").kind(), ErrorKind::Unavailable);
    }
    site.close(200);
    thread::scope(|scope| {
        let callers: Vec<_> = (0..6).map(|_| spawn(scope, &property, "")).collect();
        until(|| site.sent() == 3 + 2 && clock.waiting() == 4);
        site.open();
        callers.into_iter().for_each(|c| assert_eq!(c.join().expect("no panic").expect("a report"), 1));
    });
    clock.advance(HOUR);
    site.close(200);
    thread::scope(|scope| {
        let callers: Vec<_> = (0..12).map(|_| spawn(scope, &property, "")).collect();
        until(|| site.sent() == 9 + 10 && clock.waiting() == 2);
        site.open();
        callers.into_iter().for_each(|c| assert_eq!(c.join().expect("no panic").expect("a report"), 1));
    });
}

/// What `count` gives within one hour of the system's clock.
fn within_an_hour<T>(count: impl Fn() -> T) -> T {
    let hour =
        || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs() / 3600;
    loop {
        let begun = hour();
        let found = count();
        if hour() == begun {
            return found;
        }
    }
}

#[test]
fn clients_of_a_process_spend_five_server_errors_of_an_hour_together() {
    let (errors, sent, elsewhere) = within_an_hour(|| {
        let server = Endpoint::always(503, "");
        let client = || {
            let analytics = Analytics::new(tokens()).with_retry(RetryPolicy::NONE);
            analytics.with_endpoint(&server.url).expect("a client")
        };
        let (one, other) = (client(), client());
        let errors: Vec<Error> = (0..4)
            .flat_map(|_| [&one, &other])
            .map(|client| run(&client.property(1234)).expect_err("no report"))
            .collect();
        let sent = server.received().len();
        (errors, sent, run(&one.property(5678)).expect_err("no report").kind())
    });
    let kinds: Vec<ErrorKind> = errors.iter().map(Error::kind).collect();
    assert_eq!(kinds[..5], [ErrorKind::Unavailable; 5]);
    assert_eq!(kinds[5..], [ErrorKind::Quota; 3]);
    assert_eq!((sent, elsewhere), (5, ErrorKind::Unavailable));
    assert_eq!(
        errors[7].to_string(),
        "5 server errors on property 1234 in this hour: no request is sent until the hour has passed; Google refuses \
         every request of the project to the property after 10; wait"
    );
}

#[test]
fn only_answers_that_google_counts_are_server_errors() {
    let google =
        |code: u16| format!(r#"{{"error":{{"code":{code},"message":"no","status":"UNAVAILABLE"}}}}"#);
    for (status, body, counts) in [
        (500, String::new(), true),
        (503, "<html>".into(), true),
        (502, google(502), true),
        (504, google(504), true),
        (200, google(503), true),
        (502, "<html>a proxy</html>".into(), false),
        (504, String::new(), false),
        (400, google(400), false),
        (429, google(429), false),
    ] {
        let server = Endpoint::always(status, &body);
        let clock = ManualClock::new();
        let analytics = Analytics::new(tokens()).with_retry(RetryPolicy::NONE).with_clock(clock);
        let property = analytics.with_endpoint(&server.url).expect("a client").property(1234);
        for _ in 0..7 {
            run(&property).expect_err("no report");
        }
        assert_eq!(server.received().len(), if counts { 5 } else { 7 }, "{status} {body}");
    }
}
