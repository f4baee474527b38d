//! Attempts and the time limit.

use crate::{columns, fake, week};
use serde_json::{Value, json};
use shortway::analytics::{Analytics, Property};
use shortway::http::{Request, RequestBody, Response, ResponseBody, Timeouts, Transport};
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{FakeGoogle, Fault, ManualClock, ScriptedSource};
use shortway::{Clock, Error, ErrorKind, RetryPolicy, Token, TokenKind};
use std::error::Error as _;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

/// A source that gives a token whenever it is asked, and two quick attempts.
fn quick(server: &FakeGoogle, timeout: Duration) -> Property {
    let tokens = shortway::from_fn(|| {
        Token::new(TokenKind::Access, "ya29.x", SystemTime::now() + Duration::from_secs(3600))
    });
    let policy = RetryPolicy::default().with_attempts(2).with_initial_delay(Duration::ZERO);
    let analytics = Analytics::new(tokens).with_retry(policy).with_timeout(timeout);
    let analytics = analytics.with_endpoint(&server.api_url());
    analytics.expect("a client").property(1234)
}

/// Answers the first request with this, the rest with a report.
fn then_a_report(status: u16, body: &str) -> FakeGoogle {
    let google = FakeGoogle::builder().start().expect("a fake");
    google.fault(Fault::body(status, body));
    google.fault(Fault::answer(200, columns("country", "sessions", &[("Italy", "7")])).always());
    google
}

#[test]
fn report_that_a_fault_kept_back_is_asked_for_once_more() {
    for (status, body) in [(500, ""), (503, "<html>"), (200, r#"{"rows": [{"metricValues": [{"val"#)] {
        let server = then_a_report(status, body);
        let request = week().dimensions(["country"]).metrics(["sessions"]);
        let report = quick(&server, Duration::from_secs(60)).run_report(&request).expect("the second answer");
        assert_eq!((report.len(), server.report_requests()), (1, 2), "{status} {body}");
    }
    let server = FakeGoogle::playing(Fault::body(503, "")).expect("a fake");
    let error = quick(&server, Duration::from_secs(60)).run_report(&week()).expect_err("out of order");
    assert_eq!(
        (error.kind(), error.attempts(), server.report_requests()),
        (ErrorKind::Unavailable, Some(2), 2)
    );
}

#[test]
fn refusals_and_quotas_without_a_time_are_final() {
    for (status, body, kind) in [
        (403, "", ErrorKind::Api),
        (429, "", ErrorKind::Quota),
        (501, "", ErrorKind::Api),
        (302, "", ErrorKind::Redirect),
        (200, "<html>", ErrorKind::Schema),
    ] {
        let server = then_a_report(status, body);
        let error = quick(&server, Duration::from_secs(60)).run_report(&week()).expect_err("final");
        assert_eq!(
            (error.kind(), error.attempts(), server.report_requests()),
            (kind, Some(1), 1),
            "{status}"
        );
    }
}

#[test]
fn time_that_the_server_asks_for_is_kept_or_told() {
    let server = FakeGoogle::playing(Fault::body(503, "").header("Retry-After", "120")).expect("a fake");
    let before = SystemTime::now();
    let error = quick(&server, Duration::from_secs(60)).run_report(&week()).expect_err("out of order");
    assert_eq!((error.attempts(), server.report_requests()), (Some(1), 1));
    let wait = error.retry_at().expect("a time").duration_since(before).expect("later");
    assert!((119..=121).contains(&wait.as_secs()), "{wait:?}");
}

#[test]
fn error_of_the_token_source_comes_as_it_is_and_once() {
    let own = Error::new(ErrorKind::Dns, "the vault's name cannot be resolved")
        .with_hint("dig")
        .with_source(std::fmt::Error);
    let tokens = Arc::new(ScriptedSource::new().then_error(own).then_token("ya29.x"));
    let server = then_a_report(200, "{}");
    let analytics = Analytics::new(Arc::clone(&tokens)).with_endpoint(&server.api_url()).expect("a client");
    let error = analytics.property(1234).run_report(&week()).expect_err("no token");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Dns, None));
    assert_eq!(error.to_string(), "the vault's name cannot be resolved; dig");
    assert!(error.source().is_some_and(|s| s.is::<std::fmt::Error>()));
    assert_eq!((tokens.calls(), server.report_requests()), (1, 0));
    assert!(tokens.asks()[0].deadline().is_some(), "the source is told how long it may take");
}

/// Fails after a while; keeps the time-outs that it was given.
#[derive(Clone)]
struct Slow {
    clock: ManualClock,
    takes: Duration,
    given: Arc<Mutex<Vec<Timeouts>>>,
}

impl Transport for Slow {
    fn send(&self, _: Request<RequestBody<'_>>, timeouts: Timeouts) -> Result<Response<ResponseBody>, Error> {
        self.given.lock().expect("the log").push(timeouts);
        self.clock.advance(self.takes);
        Err(Error::new(ErrorKind::Closed, "the connection broke"))
    }
}

#[test]
fn all_attempts_and_the_token_share_one_time_limit() {
    let seconds = Duration::from_secs;
    let run = |token_takes: u64, takes: u64| {
        let clock = ManualClock::new();
        let slow = Slow { clock: clock.clone(), takes: seconds(takes), given: Arc::default() };
        let source_clock = clock.clone();
        let tokens = shortway::from_fn(move || {
            source_clock.advance(seconds(token_takes));
            Token::new(TokenKind::Access, "ya29.x", source_clock.now() + seconds(3600))
        });
        let analytics = Analytics::with_transport(tokens, slow.clone()).with_clock(clock);
        let error = analytics.with_timeout(seconds(60)).property(1234).run_report(&week()).expect_err("slow");
        let given: Vec<u64> = slow.given.lock().expect("the log").iter().map(|t| t.total.as_secs()).collect();
        (error.kind(), error.attempts(), given)
    };
    assert_eq!(run(0, 20), (ErrorKind::Closed, Some(2), vec![60, 40]));
    assert_eq!(run(5, 20), (ErrorKind::Closed, Some(2), vec![55, 30]));
    assert_eq!(run(0, 60), (ErrorKind::Closed, Some(1), vec![60]));
    assert_eq!(run(60, 0), (ErrorKind::Timeout, Some(1), vec![]));
    let server = FakeGoogle::playing(Fault::body(200, "{}")).expect("a fake");
    let none = quick(&server, Duration::ZERO).run_report(&week()).expect_err("no time");
    let url = server.api_url();
    let place = url.trim_start_matches("http://");
    assert_eq!(
        none.to_string(),
        format!(
            "cannot get the report on property 1234: the deadline passed before the response of {place} was \
             complete; run the job again later; if it repeats, look for a firewall or proxy in the way"
        )
    );
}

#[test]
fn report_that_hangs_is_requested_again_within_its_time_limit() {
    let clock = ManualClock::new();
    let slow = Slow { clock: clock.clone(), takes: Duration::from_secs(30), given: Arc::default() };
    let tokens = ScriptedSource::new().then_token("ya29.x").then_token("ya29.x");
    let analytics = Analytics::with_transport(tokens, slow.clone()).with_clock(clock);
    analytics.with_timeout(Duration::from_secs(60)).property(1234).run_report(&week()).expect_err("slow");
    let given = slow.given.lock().expect("the log").clone();
    let seconds = |t: &Timeouts| (t.total.as_secs(), t.head.map(|head| head.as_secs()));
    let given: Vec<_> = given.iter().map(seconds).collect();
    assert_eq!(
        given,
        [(60, Some(30)), (30, None)],
        "half of the time for a sign of life, then all that is left"
    );
}

fn quota(message: &str) -> Value {
    json!({"error": {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED"}})
}

#[test]
fn report_that_waits_for_a_slot_is_requested_again_after_some_seconds() {
    let clock = ManualClock::new();
    let google = fake();
    google.answer_next_report(429, quota("Exhausted concurrent requests quota."));
    let tokens = shortway::service_account(google.key(), [ANALYTICS_READONLY])
        .token_endpoint(google.token_url())
        .clock(clock.clone())
        .build()
        .expect("a source");
    let analytics = Analytics::new(tokens).with_clock(clock.clone());
    let property = analytics.with_endpoint(&google.api_url()).expect("a client").property(1234);
    let begun = clock.now();
    let report = thread::scope(|scope| {
        let caller = scope.spawn(|| property.run_report(&week().metrics(["screenPageViews"])));
        // Six seconds must do: the caller may be slow to wake, and time that passes meanwhile proves nothing.
        let (real, mut passed) = (std::time::Instant::now(), 0);
        while !caller.is_finished() {
            if clock.waiting() > 0 && (passed < 6 || real.elapsed() > Duration::from_secs(30)) {
                clock.advance(Duration::from_secs(1));
                passed += 1;
            }
            thread::yield_now();
        }
        caller.join().expect("no panic")
    });
    assert_eq!(report.expect("the second answer").len(), 1);
    assert_eq!(google.report_requests(), 2);
    let waited = clock.now().duration_since(begun).expect("later").as_secs();
    assert!((1..=6).contains(&waited), "{waited}");
}

#[test]
fn quota_of_an_hour_or_a_day_is_final_and_says_when_it_is_refilled() {
    for (message, refilled) in [
        ("Exhausted property tokens for a project per hour.", 3600),
        ("Exhausted property tokens per day.", 8 * 3600),
    ] {
        let google = fake();
        google.answer_next_report(429, quota(message));
        let clock = ManualClock::new();
        let tokens = ScriptedSource::new().then_token("ya29.x");
        let analytics = Analytics::new(tokens).with_clock(clock.clone());
        let property = analytics.with_endpoint(&google.api_url()).expect("a client").property(1234);
        let error = property.run_report(&week()).expect_err("exhausted");
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Quota, Some(1)));
        assert_eq!(error.retry_at(), Some(clock.now() + Duration::from_secs(refilled)), "{message}");
        assert_eq!(google.report_requests(), 1);
    }
}
