//! 16 processes on one Redis that is killed, started again and stopped: how many tokens they cost, and whether a call
//! fails or is late.
//!
//! `FLEET_SECONDS` is the length of each phase with Redis; `.ci/run` makes a tenth of `.ci/full`. The processes are
//! this program again.

use shortway::testing::{FakeGoogle, throw_away_key};
use shortway::{Secret, StoreLock, TokenSource, TokenStore, scope};
use shortway_example_fleet::RedisStore;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Set for a child: the URL of Redis and that of the endpoint.
const CHILD: &str = "FLEET_CHILD";

const PROCESSES: usize = 16;
const THREADS: usize = 4;
/// How long tokens live, and for how long one is used: until its early-refresh window, a quarter of that.
const LIFETIME: Duration = Duration::from_secs(12);
const PERIOD: Duration = Duration::from_secs(9);
/// How long an outage lasts: nearly a period, so that most processes need a token in it.
const OUTAGE: Duration = Duration::from_secs(8);

/// A Redis that keeps nothing on disk.
struct Redis {
    server: Child,
    port: u16,
}

impl Redis {
    fn start(port: u16) -> Self {
        let mut command = Command::new("redis-server");
        command.args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        let redis = Self { server: command.stdout(Stdio::null()).spawn().expect("redis-server runs"), port };
        let start = Instant::now();
        while redis.store().load("anything", Duration::from_millis(100)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(30), "Redis does not come up");
            thread::sleep(Duration::from_millis(10));
        }
        redis
    }

    /// `None` where there is no Redis: in CI that is a failure.
    fn anywhere() -> Option<Self> {
        if !Command::new("redis-server").arg("--version").output().is_ok_and(|output| output.status.success())
        {
            assert!(
                std::env::var_os("CI").is_none(),
                "redis-server is missing, and in CI nothing is skipped"
            );
            eprintln!("SKIPPED: there is no redis-server here");
            return None;
        }
        let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
        Some(Self::start(free.port()))
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    fn store(&self) -> RedisStore {
        RedisStore::at(&self.url()).expect("a URL")
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.server.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    fn kill(&mut self) {
        self.server.kill().expect("killed");
        self.server.wait().expect("gone");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn held(lock: &StoreLock<'_>) -> bool {
    matches!(lock, StoreLock::Held(_))
}

#[test]
fn store_keeps_until_expiry_and_the_lock_is_a_lease_that_only_its_owner_removes() {
    let Some(redis) = Redis::anywhere() else { return };
    let (store, left) = (redis.store(), Duration::from_secs(2));
    let load =
        |key: &str| store.load(key, left).expect("Redis").map(|entry| entry.expose_secret().to_owned());
    let text = Secret::new("a token".to_owned());
    store.save("one", &text, SystemTime::now() + Duration::from_secs(60), left).expect("saved");
    store.save("two", &text, SystemTime::now(), left).expect("saved");
    assert_eq!((load("one").as_deref(), load("none")), (Some("a token"), None));
    store.remove("one", left).expect("removed");
    assert_eq!(load("one"), None);
    let lock = |key: &str| store.try_lock(key, left).expect("Redis");
    let first = lock("one");
    assert!(held(&first) && held(&lock("two")) && matches!(lock("one"), StoreLock::Busy));
    // The lease ends, and another process takes the lock: the first owner does not remove it.
    let client = redis::Client::open(redis.url()).expect("a URL");
    let mut connection = client.get_connection().expect("Redis");
    redis::cmd("DEL").arg("shortway:one:lock").exec(&mut connection).expect("removed");
    let second = lock("one");
    drop(first);
    assert!(held(&second) && matches!(lock("one"), StoreLock::Busy));
    let life: i64 = redis::cmd("PTTL").arg("shortway:one:lock").query(&mut connection).expect("Redis");
    assert!((1..=10_000).contains(&life), "{life} ms");
    drop(second);
    assert!(held(&lock("one")));
}

#[test]
fn redis_that_is_gone_or_stopped_is_an_error_within_the_time() {
    let Some(mut redis) = Redis::anywhere() else { return };
    let (store, left) = (redis.store(), Duration::from_millis(300));
    redis.signal("-STOP");
    let start = Instant::now();
    let error = store.load("one", left).expect_err("stopped");
    assert!(start.elapsed() >= left / 2, "it did not wait");
    assert_eq!(error.kind(), shortway::ErrorKind::Store);
    redis.signal("-CONT");
    redis.kill();
    store.try_lock("one", left).expect_err("gone");
    let error = RedisStore::at("http://user:secret@host/").map(drop).expect_err("no URL of Redis");
    assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
}

/// Not a test: what a process of the fleet does, until its standard input ends.
#[test]
fn works() {
    let Ok(order) = std::env::var(CHILD) else { return };
    let (redis, endpoint) = order.split_once(' ').expect("two URLs");
    let tokens = shortway::service_account(throw_away_key(), [scope::ANALYTICS_READONLY])
        .token_endpoint(endpoint)
        .store(RedisStore::at(redis).expect("a URL"))
        .build()
        .expect("tokens");
    say("\nready");
    let (longest, calls, failed) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let ended = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    let start = Instant::now();
                    let result = tokens.token();
                    longest.fetch_max(start.elapsed().as_millis() as u64, Ordering::Relaxed);
                    calls.fetch_add(1, Ordering::Relaxed);
                    if !result.is_ok_and(|token| !token.is_expired(SystemTime::now())) {
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                    thread::sleep(Duration::from_millis(20));
                }
            });
        }
        // Each line is a question: what was counted since the last one?
        for _ in std::io::stdin().lock().lines() {
            let status = tokens.source().status();
            let [longest, calls, failed] =
                [&longest, &calls, &failed].map(|count| count.swap(0, Ordering::Relaxed));
            say(&format!("counted: {calls} {failed} {longest} {} {}", status.waited_out, status.failures));
        }
        ended.store(true, Ordering::Relaxed);
    });
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("stdout");
}

/// The processes of a fleet.
struct Fleet(Vec<(Child, BufReader<std::process::ChildStdout>)>);

/// What the processes counted since the last time, the longest call in milliseconds; the last two since their start.
#[derive(Debug, Default)]
struct Counted {
    calls: u64,
    failed: u64,
    longest: u64,
    waited_out: u64,
    failures: u64,
}

impl Fleet {
    fn start(redis: &str, endpoint: &str) -> Self {
        let child = |_| {
            let mut child = Command::new(std::env::current_exe().expect("this program"))
                .args(["works", "--exact", "--nocapture", "--quiet"])
                .env(CHILD, format!("{redis} {endpoint}"))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("a child");
            let out = BufReader::new(child.stdout.take().expect("piped"));
            (child, out)
        };
        let mut fleet = Self((0..PROCESSES).map(child).collect());
        for (_, out) in &mut fleet.0 {
            line(out, "ready");
        }
        fleet
    }

    fn counted(&mut self) -> Counted {
        let mut sum = Counted::default();
        for (child, out) in &mut self.0 {
            child.stdin.as_mut().expect("piped").write_all(b"count\n").expect("written");
            let line = line(out, "counted:");
            let counts: Vec<u64> = line.split_whitespace().map(|n| n.parse().expect("a number")).collect();
            sum.calls += counts[0];
            sum.failed += counts[1];
            sum.longest = sum.longest.max(counts[2]);
            sum.waited_out += counts[3];
            sum.failures += counts[4];
        }
        sum
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for (child, _) in &mut self.0 {
            drop(child.stdin.take());
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The rest of the next line that begins like this.
fn line(out: &mut impl BufRead, start: &str) -> String {
    let mut line = String::new();
    while out.read_line(&mut line).expect("text") > 0 {
        if let Some(rest) = line.trim_end().strip_prefix(start) {
            return rest.to_owned();
        }
        line.clear();
    }
    panic!("a child has ended without a line that begins with {start}");
}

#[test]
fn fleet_costs_one_token_for_each_period_and_outages_of_redis_fail_and_delay_no_call() {
    let Some(mut redis) = Redis::anywhere() else { return };
    let phase = std::env::var("FLEET_SECONDS").ok().and_then(|n| n.parse().ok()).unwrap_or(10);
    let phase = Duration::from_secs(phase);
    let google = FakeGoogle::builder().token_lifetime(LIFETIME).start().expect("a fake");
    let began = Instant::now();
    let mut fleet = Fleet::start(&redis.url(), &google.token_url());
    let mut issued = Vec::new();
    let mut told = |fleet: &mut Fleet, what: &str| {
        let counted = fleet.counted();
        issued.push(google.token_requests());
        println!(
            "{what}: {} tokens issued so far; {} calls, {} failed, the longest took {} ms; {} waited out the lock, {} \
             failures of the store so far",
            google.token_requests(),
            counted.calls,
            counted.failed,
            counted.longest,
            counted.waited_out,
            counted.failures
        );
        counted
    };
    thread::sleep(phase);
    let up = began.elapsed();
    let mut all = vec![told(&mut fleet, "with Redis")];
    redis.kill();
    thread::sleep(OUTAGE);
    all.push(told(&mut fleet, "Redis killed"));
    redis = Redis::start(redis.port);
    thread::sleep(phase);
    all.push(told(&mut fleet, "Redis started again"));
    redis.signal("-STOP");
    thread::sleep(OUTAGE);
    all.push(told(&mut fleet, "Redis stopped"));
    redis.signal("-CONT");
    thread::sleep(phase);
    all.push(told(&mut fleet, "Redis goes on"));
    let periods = |time: Duration| time.as_millis().div_euclid(PERIOD.as_millis()) as usize + 1;
    let bounds = [periods(up), periods(began.elapsed()) + 2 * PROCESSES];
    println!(
        "{PROCESSES} processes, {THREADS} threads each: {} tokens with Redis up, at most {}; {} in all, at most {}: one \
         for each period of use and the one begun, {PROCESSES} for each of two outages",
        issued[0], bounds[0], issued[4], bounds[1]
    );
    assert!(issued[0] <= bounds[0] && issued[4] <= bounds[1], "too many tokens");
    let usual = all[0].longest;
    for counted in &all {
        assert_eq!(counted.failed, 0, "{counted:?}");
        assert!(counted.longest <= usual.max(1000) + 2000, "a call took {} ms", counted.longest);
    }
}
