//! What `Stored` takes from a store, saves in it and removes from it.

use crate::{Jumping, Memory, identity, numbered, text};
use shortway::http::{Request, UreqTransport};
use shortway::testing::{FakeGoogle, ManualClock, ScriptedSource, throw_away_key};
use shortway::{
    Ask, Authorized, CachePolicy, Cached, Clock, Error, ErrorKind, FileStore, Identity, Secret, StoreLock,
    Stored, Token, TokenKind, TokenSource, TokenStore, scope,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A numbered source on a clock, over `store`.
fn on(clock: &ManualClock, store: &Memory) -> Stored<ScriptedSource> {
    Stored::new(numbered().with_clock(clock.clone()), store.clone()).with_clock(Arc::new(clock.clone()))
}

#[test]
fn second_source_takes_the_token_of_the_first_with_its_times() {
    let store = Memory::default();
    let first = Stored::new(numbered(), store.clone());
    let made = first.token().expect("a token");
    let second = Stored::new(numbered(), store);
    let taken = second.token().expect("a token");
    assert_eq!((&taken, taken.kind(), taken.lifetime()), (&made, made.kind(), made.lifetime()));
    let rounded = made.expires_at().duration_since(taken.expires_at()).expect("not later");
    assert!(rounded < Duration::from_millis(1), "{rounded:?}");
    let (first, taker) = (first.status(), second.status());
    assert_eq!((first.loaded, first.requested, first.saved, first.failures), (0, 1, 1, 0));
    assert_eq!((taker.loaded, taker.requested, taker.saved, taker.failures), (1, 0, 0, 0));
    assert_eq!(second.source().calls(), 0);
}

#[test]
fn token_is_used_only_while_it_has_more_left_than_twice_the_margin() {
    let (clock, store) = (ManualClock::new(), Memory::default());
    text(&on(&clock, &store));
    clock.advance(seconds(3600 - 61));
    let taker = on(&clock, &store);
    assert_eq!((text(&taker), taker.source().calls()), ("token-1".into(), 0));
    clock.advance(seconds(1));
    let requester = on(&clock, &store);
    text(&requester);
    assert_eq!((requester.source().calls(), requester.status().saved), (1, 1));
    // What it saved is what the next one takes.
    assert_eq!(on(&clock, &store).token().expect("a token").expires_at(), clock.now() + seconds(3600));
}

#[test]
fn token_with_little_left_is_used_if_one_attempt_brings_no_other() {
    let (clock, store) = (ManualClock::new(), Memory::default());
    text(&on(&clock, &store));
    clock.advance(seconds(3600 - 45));
    let down = || Error::new(ErrorKind::Unavailable, "the endpoint is down");
    let source = ScriptedSource::new().with_identity(identity()).then_error(down());
    let late = Stored::new(source, store.clone()).with_clock(Arc::new(clock.clone()));
    assert_eq!(text(&late), "token-1");
    let ask = &late.source().asks()[0];
    assert!(ask.single_attempt());
    assert_eq!(ask.deadline(), Some(clock.monotonic() + seconds(5)));
    clock.advance(seconds(15));
    late.source().push(Err(down()));
    let error = late.token().expect_err("30 s left are too few");
    assert_eq!(error.to_string(), "the endpoint is down");
    assert!(!late.source().asks()[1].single_attempt());
}

#[test]
fn token_that_the_caller_has_already_is_not_taken_nor_one_that_expires_sooner() {
    let (clock, store) = (ManualClock::new(), Memory::default());
    let held = on(&clock, &store).token().expect("a token");
    let source = on(&clock, &store);
    source.token_for(&Ask::new().with_other_than(held)).expect("a token");
    assert_eq!(source.source().calls(), 1);
    let later = Token::new(TokenKind::Access, "later", clock.now() + seconds(3700)).expect("a token");
    source.token_for(&Ask::new().with_other_than(later.clone())).expect("a token");
    assert_eq!(source.source().calls(), 2);
    // But it is used if the source fails.
    let fails = ScriptedSource::new().with_identity(identity());
    let fails = Stored::new(fails, store).with_clock(Arc::new(clock));
    assert_eq!(
        fails.token_for(&Ask::new().with_other_than(later)).expect("a token").expose_secret(),
        "token-2"
    );
    let own = fails.token().expect("the stored one");
    let error = fails.token_for(&Ask::new().with_other_than(own)).expect_err("no other token");
    assert_eq!(error.to_string(), "the scripted source has no outcome left for this call");
}

#[test]
fn token_is_taken_by_exactly_its_own_identity_and_by_any_quota_project() {
    let store = Memory::default();
    text(&Stored::new(numbered(), store.clone()));
    let others: [Identity; 9] = [
        identity().with_email("other@throw-away.iam.gserviceaccount.com"),
        identity().with_key_id("key-2"),
        identity().with_scopes(["https://www.googleapis.com/auth/analytics"]),
        identity().with_scopes([identity().scopes()[0].as_str(), "https://www.googleapis.com/auth/drive"]),
        identity().with_subject("jane@example.com"),
        identity().with_audience("https://other.example/token"),
        identity().with_target_audience("https://service.example"),
        identity().with_endpoint("https://other.example/token"),
        identity().with_kind(TokenKind::Id),
    ];
    for other in others {
        let source = Stored::new(ScriptedSource::new().with_identity(other.clone()), store.clone());
        source.token().expect_err("no token of another identity");
        assert_eq!(source.source().calls(), 1, "{other:?}");
    }
    let same = identity().with_quota_project_id("pays-for-it");
    assert_eq!(text(&Stored::new(ScriptedSource::new().with_identity(same), store)), "token-1");
}

#[test]
fn entry_of_another_identity_under_the_right_key_is_not_used_and_is_replaced() {
    let (mine, theirs) = (Memory::default(), Memory::default());
    text(&Stored::new(numbered(), mine.clone()));
    let other = numbered().with_identity(identity().with_subject("jane@example.com"));
    text(&Stored::new(other, theirs.clone()));
    for entry in mine.0.lock().expect("no panic").values_mut() {
        *entry = theirs.entries()[0].clone();
    }
    let source =
        Stored::new(ScriptedSource::new().with_identity(identity()).then_token("mine"), mine.clone());
    assert_eq!(text(&source), "mine");
    let failure = source.status().last_failure.expect("counted");
    let told = "the token store has an entry of another account or for something else; the next token that is \
                saved replaces it";
    assert_eq!((failure.kind(), failure.to_string().as_str()), (ErrorKind::Store, told));
    assert_eq!(text(&Stored::new(numbered(), mine)), "mine");
}

#[test]
fn source_whose_identity_does_not_say_all_is_not_stored() {
    let store = Memory::default();
    let email = Identity::new().with_email("a@b.example");
    for identity in [
        None,
        Some(Identity::new()),
        Some(email.clone().with_kind(TokenKind::Access)),
        Some(email.with_scopes(["s"])),
        Some(Identity::new().with_scopes(["s"]).with_kind(TokenKind::Access)),
    ] {
        let source = ScriptedSource::numbered();
        let source = match identity {
            Some(identity) => source.with_identity(identity),
            None => source,
        };
        let source = Stored::new(source, store.clone());
        assert_eq!((text(&source), text(&source)), ("token-1".into(), "token-2".into()));
        assert_eq!((source.status().requested, source.status().saved), (2, 0));
    }
    assert_eq!(store.entries(), [""; 0]);
}

#[test]
fn token_of_another_kind_than_the_identity_says_is_not_saved() {
    let store = Memory::default();
    let source = ScriptedSource::numbered().with_identity(identity().with_kind(TokenKind::Id));
    text(&Stored::new(source, store.clone()));
    assert_eq!(store.entries(), [""; 0]);
}

#[test]
fn entry_says_all_that_the_token_stands_for_and_no_more() {
    let (clock, store) = (ManualClock::new(), Memory::default());
    text(&on(&clock, &store));
    let told = r#"{"identity":{"email":"fake@throw-away.iam.gserviceaccount.com","key_id":"key-1","scopes":["https://www.googleapis.com/auth/analytics.readonly"],"subject":null,"audience":"https://oauth2.googleapis.com/token","target_audience":null,"endpoint":"https://oauth2.googleapis.com/token","kind":"access"},"expires_at_ms":1767229200000,"lifetime_ms":3600000,"token":"token-1"}"#;
    assert_eq!(store.entries(), [told]);
    let keys: Vec<String> = store.0.lock().expect("no panic").keys().cloned().collect();
    assert_eq!(keys, ["c20dd3b3d5dad0c0d21f9bbf9ac864133f9758d1fd57e361e85aa64bc2bf8102"]);
}

#[test]
fn token_saved_by_a_clock_that_was_ahead_is_not_used() {
    let (clock, store) = (ManualClock::new(), Memory::default());
    let right = clock.now();
    clock.set(right + seconds(86_400));
    text(&on(&clock, &store));
    clock.set(right);
    let source = on(&clock, &store);
    text(&source);
    assert_eq!(source.source().calls(), 1);
    // Clocks of machines differ by some seconds.
    clock.set(right - seconds(30));
    assert_eq!(on(&clock, &store).token().expect("a token").expires_at(), right + seconds(3600));
    clock.set(right - seconds(31));
    let source = on(&clock, &store);
    text(&source);
    assert_eq!(source.source().calls(), 1);
}

#[test]
fn refused_token_is_removed_and_a_newer_one_is_not() {
    let store = Memory::default();
    let source = Stored::new(numbered(), store.clone());
    let refused = source.token().expect("a token");
    source.invalidate(&refused);
    assert_eq!((store.entries(), source.source().invalidated()), (Vec::new(), vec![refused.clone()]));
    text(&source);
    source.invalidate(&refused);
    assert_eq!((text(&source), source.source().calls()), ("token-2".into(), 2));
}

#[test]
fn token_that_a_server_revoked_leaves_memory_and_file() {
    let google = FakeGoogle::builder().start().expect("a fake");
    let directory = tempfile::tempdir().expect("a directory");
    let build = || {
        let store = FileStore::at(directory.path().join("tokens.json")).expect("a path");
        shortway::service_account(google.key(), [scope::ANALYTICS_READONLY])
            .token_endpoint(google.token_url())
            .store(store)
            .build()
            .expect("tokens")
    };
    let tokens = build();
    let revoked = tokens.token().expect("a token");
    google.revoke_tokens();
    // What another process finds in the file is refused too, and replaced for both.
    let other = build();
    let api =
        Authorized::new(other.clone(), UreqTransport::new()).with_host(&google.api_url()).expect("a host");
    let url = format!("{}/v1beta/properties/1/metadata", google.api_url());
    let response = api.send(Request::get(url).body(()).expect("a request")).expect("a response");
    assert_ne!(response.status(), 401);
    assert_eq!((other.source().status().loaded, google.token_requests()), (1, 2));
    tokens.invalidate(&revoked);
    let next = tokens.token().expect("a token");
    assert_ne!(next, revoked);
    assert_eq!((build().token().expect("a token"), google.token_requests()), (next, 2));
}

#[test]
fn cache_is_outside_and_store_inside() {
    /// Counts looks.
    #[derive(Clone, Default)]
    struct Looks(Memory, Arc<AtomicUsize>);
    impl TokenStore for Looks {
        fn load(&self, key: &str, left: Duration) -> Result<Option<Secret>, Error> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.load(key, left)
        }
        fn save(&self, key: &str, entry: &Secret, end: SystemTime, left: Duration) -> Result<(), Error> {
            self.0.save(key, entry, end, left)
        }
        fn remove(&self, key: &str, left: Duration) -> Result<(), Error> {
            self.0.remove(key, left)
        }
    }
    let google = FakeGoogle::builder().start().expect("a fake");
    let store = Looks::default();
    let builder = || {
        shortway::service_account(google.key(), [scope::ANALYTICS_READONLY])
            .token_endpoint(google.token_url())
            .store(store.clone())
    };
    let (first, second) = (builder().build().expect("tokens"), builder().build().expect("tokens"));
    let token = first.token().expect("a token");
    for _ in 0..100 {
        assert_eq!(first.token().expect("a token"), token);
        assert_eq!(second.token().expect("a token"), token);
    }
    assert_eq!((google.token_requests(), store.1.load(Ordering::Relaxed)), (1, 2));
    assert_eq!(second.source().status().loaded, 1);
    let error = builder().build_uncached().expect_err("nothing would use the store");
    let told = "a source without a cache has no token store; finish with build(), or leave out store()";
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Config, told));
}

#[test]
fn id_tokens_and_access_tokens_share_a_store() {
    let google = FakeGoogle::builder().start().expect("a fake");
    let store = Memory::default();
    let url = google.token_url();
    for _ in 0..2 {
        let id = shortway::id_token(google.key(), "https://service.example").token_endpoint(&url);
        let id = id.store(store.clone()).build().expect("tokens").token().expect("a token");
        let access = shortway::service_account(google.key(), [scope::ANALYTICS]).token_endpoint(&url);
        let access = access.store(store.clone()).build().expect("tokens").token().expect("a token");
        let signed = shortway::self_signed(throw_away_key(), [scope::ANALYTICS]).store(store.clone());
        let signed = signed.build().expect("tokens").token().expect("a token");
        assert_eq!((id.kind(), access.kind()), (TokenKind::Id, TokenKind::Access));
        assert_eq!((google.token_requests(), store.entries().len()), (2, 3));
        assert!(store.entries().iter().any(|entry| entry.contains(signed.expose_secret())));
    }
    let key: serde_json::Value = serde_json::from_str(shortway::testing::THROW_AWAY_KEY_JSON).expect("JSON");
    let key = key["private_key"].as_str().expect("a key").lines().nth(1).expect("a line");
    assert!(!store.entries().concat().contains(key), "the private key is in the store");
}

/// A store on which everything fails.
struct Broken;

fn broken<T>() -> Result<T, Error> {
    Err(Error::new(ErrorKind::Store, "the store is on fire").with_hint("put it out"))
}

impl TokenStore for Broken {
    fn load(&self, _: &str, _: Duration) -> Result<Option<Secret>, Error> {
        broken()
    }
    fn save(&self, _: &str, _: &Secret, _: SystemTime, _: Duration) -> Result<(), Error> {
        broken()
    }
    fn remove(&self, _: &str, _: Duration) -> Result<(), Error> {
        broken()
    }
    fn try_lock(&self, _: &str, _: Duration) -> Result<StoreLock<'_>, Error> {
        broken()
    }
}

#[test]
fn store_that_fails_is_counted_and_told_and_fails_no_call() {
    let source = Stored::new(numbered(), Broken);
    let token = source.token().expect("a token");
    let status = source.status();
    assert_eq!((status.requested, status.saved, status.waited_out, status.failures), (1, 0, 0, 2));
    assert_eq!(status.last_failure.expect("told").to_string(), "the store is on fire; put it out");
    source.invalidate(&token);
    assert_eq!((text(&source), source.status().failures), ("token-2".into(), 5));
}

/// A store on a slow line: every call takes its time, or all the time that it has.
#[derive(Clone)]
struct Slow {
    clock: ManualClock,
    each: Duration,
    memory: Memory,
    locked: Arc<Mutex<StoreState>>,
}

#[derive(Clone, Copy, PartialEq)]
enum StoreState {
    Free,
    Busy,
}

impl Slow {
    fn new(clock: &ManualClock, each: Duration, state: StoreState) -> Self {
        Self { clock: clock.clone(), each, memory: Memory::default(), locked: Arc::new(Mutex::new(state)) }
    }
    fn pass(&self, left: Duration) -> Result<(), Error> {
        self.clock.advance(self.each.min(left));
        if self.each > left { broken() } else { Ok(()) }
    }
}

impl TokenStore for Slow {
    fn load(&self, key: &str, left: Duration) -> Result<Option<Secret>, Error> {
        self.pass(left)?;
        self.memory.load(key, left)
    }
    fn save(&self, key: &str, entry: &Secret, end: SystemTime, left: Duration) -> Result<(), Error> {
        self.pass(left)?;
        self.memory.save(key, entry, end, left)
    }
    fn remove(&self, key: &str, left: Duration) -> Result<(), Error> {
        self.pass(left)?;
        self.memory.remove(key, left)
    }
    fn try_lock(&self, _: &str, left: Duration) -> Result<StoreLock<'_>, Error> {
        self.pass(left)?;
        Ok(match *self.locked.lock().expect("no panic") {
            StoreState::Busy => StoreLock::Busy,
            StoreState::Free => StoreLock::held(|left| {
                let _ = self.pass(left);
            }),
        })
    }
}

/// How long a call takes on the clock, over a store whose every call takes `each`.
fn duration_of_a_call(
    each: Duration,
    state: StoreState,
    ask: &dyn Fn(Instant) -> Ask,
) -> (Duration, u64, u64) {
    let clock = ManualClock::new();
    let store = Slow::new(&clock, each, state);
    let source = Stored::new(numbered().with_clock(clock.clone()), store);
    let source = source.with_clock(Arc::new(Jumping(clock.clone())));
    let before = clock.monotonic();
    source.token_for(&ask(before)).expect("a token");
    (clock.monotonic() - before, source.status().waited_out, source.status().saved)
}

#[test]
fn call_takes_at_most_two_seconds_longer_whatever_the_store_does() {
    let any = |_: Instant| Ask::new();
    let two = seconds(2);
    // The lock is never free.
    let (took, waited_out, saved) = duration_of_a_call(Duration::ZERO, StoreState::Busy, &any);
    assert!(took > Duration::from_millis(1600) && took <= two, "{took:?}");
    assert_eq!((waited_out, saved), (1, 0));
    // The store hangs, or is so slow that the time is over in the middle.
    for each in [1, 10, 300, 500, 700, 1000, 1900, 1950, 2000, 100_000] {
        for state in [StoreState::Busy, StoreState::Free] {
            let (took, ..) = duration_of_a_call(Duration::from_millis(each), state, &any);
            assert!(took <= two, "{each} ms for each call: {took:?}");
        }
    }
    // One that is slow is used nevertheless.
    assert_eq!(duration_of_a_call(Duration::from_millis(300), StoreState::Free, &any).2, 1);
}

#[test]
fn half_of_the_time_that_a_call_has_is_left_for_the_source() {
    for ms in [100, 1000, 3000] {
        let deadline = |now: Instant| Ask::new().with_deadline(now + Duration::from_millis(ms));
        for (each, state) in [(100_000, StoreState::Free), (0, StoreState::Busy)] {
            let (took, ..) = duration_of_a_call(Duration::from_millis(each), state, &deadline);
            assert!(took <= Duration::from_millis(ms / 2), "{ms} ms for the call: {took:?}");
        }
    }
}

#[test]
fn caller_that_waits_for_the_lock_takes_the_token_as_soon_as_it_is_saved() {
    let clock = ManualClock::new();
    let store = Slow::new(&clock, Duration::ZERO, StoreState::Busy);
    let source = Stored::new(numbered(), store.clone()).with_clock(Arc::new(clock.clone()));
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| text(&source));
        while clock.waiting() == 0 {
            std::thread::yield_now();
        }
        // The holder of the lock saves, and keeps the lock.
        text(&on(&clock, &store.memory));
        clock.advance(Duration::from_millis(50));
        assert_eq!(waiter.join().expect("no panic"), "token-1");
    });
    assert_eq!((source.source().calls(), source.status().loaded), (0, 1));
}

#[test]
fn failed_request_without_the_lock_ends_with_the_token_that_the_holder_saved() {
    let clock = ManualClock::new();
    let store = Slow::new(&clock, Duration::ZERO, StoreState::Busy);
    let holder = on(&clock, &store.memory);
    let failing = Failing(Box::new(move || drop(holder.token())));
    let source = Stored::new(failing, store).with_clock(Arc::new(Jumping(clock)));
    assert_eq!(text(&source), "token-1");
    assert_eq!((source.status().waited_out, source.status().requested), (1, 0));
}

#[test]
fn token_of_another_process_ends_the_pause_after_a_failure() {
    let (clock, store) = (ManualClock::new(), Memory::default());
    let down = || Err(Error::new(ErrorKind::Unavailable, "the endpoint is down"));
    let source = ScriptedSource::new().with_identity(identity()).then(down());
    let source = Stored::new(source, store.clone()).with_clock(Arc::new(clock.clone()));
    let cached = Cached::with_policy(source, CachePolicy::default(), Arc::new(clock.clone()));
    assert_eq!(cached.token().expect_err("down").kind(), ErrorKind::Unavailable);
    assert_eq!(cached.token().expect_err("in the pause").kind(), ErrorKind::Backoff);
    let other = on(&clock, &store).token().expect("a token");
    assert_eq!(cached.token().expect("the stored one"), other);
    assert_eq!(cached.source().source().calls(), 1);
    // A token that a server refused does not come back this way.
    cached.invalidate(&other);
    assert_eq!(cached.token().expect_err("refused").kind(), ErrorKind::Backoff);
}

/// Fails, after something else has happened.
struct Failing(Box<dyn Fn() + Send + Sync>);

impl TokenSource for Failing {
    fn token(&self) -> Result<Token, Error> {
        (self.0)();
        Err(Error::new(ErrorKind::Closed, "the answer was lost"))
    }
    fn identity(&self) -> Option<Identity> {
        Some(identity())
    }
}

#[test]
fn lock_is_released_when_the_source_panics() {
    #[derive(Clone, Default)]
    struct Locking(Memory, Arc<Mutex<Vec<Duration>>>);
    impl TokenStore for Locking {
        fn load(&self, key: &str, left: Duration) -> Result<Option<Secret>, Error> {
            self.0.load(key, left)
        }
        fn save(&self, key: &str, entry: &Secret, end: SystemTime, left: Duration) -> Result<(), Error> {
            self.0.save(key, entry, end, left)
        }
        fn remove(&self, key: &str, left: Duration) -> Result<(), Error> {
            self.0.remove(key, left)
        }
        fn try_lock(&self, _: &str, _: Duration) -> Result<StoreLock<'_>, Error> {
            Ok(StoreLock::held(|left| self.1.lock().expect("no panic").push(left)))
        }
    }
    let store = Locking::default();
    let source = Stored::new(Failing(Box::new(|| panic!("planted"))), store.clone());
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| source.token())).expect_err("it panics");
    assert_eq!(*store.1.lock().expect("no panic"), [Duration::from_millis(50)]);
}

#[test]
fn debug_shows_no_token_and_boxes_forward_everything() {
    let store: Box<dyn TokenStore> = Box::new(Arc::new(Memory::default()));
    let source = Stored::new(ScriptedSource::numbered().with_identity(identity()), store);
    let token = source.token().expect("a token");
    assert!(!format!("{source:?}").contains(token.expose_secret()));
    assert_eq!((text(&source), source.identity()), ("token-1".into(), Some(identity())));
    source.invalidate(&token);
    assert_eq!(text(&source), "token-2");
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Stored<ScriptedSource>>();
    is_shared::<Cached<Stored<ScriptedSource>>>();
}

#[test]
fn margin_of_the_cache_is_the_margin_of_the_store() {
    let (clock, store) = (ManualClock::new(), Memory::default());
    let policy = CachePolicy::default().with_margin(seconds(200)).with_early_refresh(seconds(600));
    let google = FakeGoogle::builder().clock(clock.clone()).start().expect("a fake");
    let tokens = || {
        shortway::service_account(google.key(), [scope::ANALYTICS])
            .token_endpoint(google.token_url())
            .clock(clock.clone())
            .cache(policy)
            .store(store.clone())
            .build()
            .expect("tokens")
    };
    tokens().token().expect("a token");
    clock.advance(seconds(3599 - 401));
    tokens().token().expect("a token");
    assert_eq!(google.token_requests(), 1);
    clock.advance(seconds(2));
    tokens().token().expect("a token");
    assert_eq!(google.token_requests(), 2);
}

#[test]
fn status_of_a_source_without_a_store_counts_requests() {
    let google = FakeGoogle::builder().start().expect("a fake");
    let tokens =
        shortway::service_account(google.key(), [scope::ANALYTICS]).token_endpoint(google.token_url());
    let tokens = tokens.build().expect("tokens");
    tokens.token().expect("a token");
    let status = tokens.source().status();
    assert_eq!((status.loaded, status.requested, status.saved, status.failures), (0, 1, 0, 0));
}
