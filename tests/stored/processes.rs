//! Many processes on one file: how many tokens they cost, whether a call fails, and whether a byte is ever
//! torn.
//!
//! The sizes are small here; `.ci/run` makes a tenth of the full proofs, and `.ci/full` all of it.

use crate::child::{Ready, command};
use crate::random::Random;
use crate::util::server::{Act, Server};
use crate::{identity, is_taken, names, numbered, size, stored, text};
use shortway::testing::{ManualClock, ScriptedSource, throw_away_key};
use shortway::{Ask, CachePolicy, Cached, Clock, FileStore, Stored, TokenSource, TokenStore, scope};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// A text for a token that shows if a byte of it is wrong: 3000 bytes of its name and number.
pub(crate) fn recognizable(name: &str, n: u64) -> String {
    let one = format!("{name}.{n}.");
    let mut text = one.repeat(3000 / one.len());
    text.push_str("end");
    text
}

/// Whether a text is one of those.
fn is_whole(text: &str) -> bool {
    let mut parts = text.splitn(3, '.');
    let (Some(name), Some(n)) = (parts.next(), parts.next().and_then(|n| n.parse().ok())) else {
        return false;
    };
    text == recognizable(name, n)
}

/// A clock that is moved by hand, and on which nobody waits for that.
#[derive(Clone)]
struct Restless(ManualClock);

impl Clock for Restless {
    fn now(&self) -> SystemTime {
        self.0.now()
    }
    fn monotonic(&self) -> Instant {
        self.0.monotonic()
    }
    fn park_until(&self, _: Instant) {
        thread::park_timeout(Duration::from_millis(1));
    }
    fn sleep(&self, _: Duration) {
        thread::sleep(Duration::from_micros(100));
    }
}

#[test]
fn day_of_64_caches_with_8_threads_each_costs_one_token_for_each_period_of_use() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("tokens.json");
    let clock = Restless(ManualClock::new());
    let endpoint = Arc::new(numbered().with_clock(clock.clone()));
    let processes: Vec<_> = (0..64)
        .map(|_| {
            let store = FileStore::at(&path).expect("a path");
            let source = Stored::new(Arc::clone(&endpoint), store).with_clock(Arc::new(clock.clone()));
            Cached::with_policy(source, CachePolicy::default(), Arc::new(clock.clone()))
        })
        .collect();
    let (day, step) = (Duration::from_secs(86_400), Duration::from_secs(60));
    for minute in 0..day.as_secs() / step.as_secs() {
        thread::scope(|scope| {
            for thread in 0..8 {
                let (processes, clock) = (&processes, &clock);
                scope.spawn(move || {
                    for n in 0..64 {
                        let which = (n * 13 + thread * 7 + minute as usize) % 64;
                        let token = processes[which].token().expect("a token");
                        assert!(!token.is_expired(clock.now()));
                    }
                });
            }
        });
        clock.0.advance(step);
    }
    let issued = endpoint.calls();
    let failures: u64 = processes.iter().map(|cache| cache.source().status().failures).sum();
    let period = Duration::from_secs(3600) - CachePolicy::default().early_refresh();
    let bound = day.as_secs() / period.as_secs() + 1;
    println!("24 h, 64 caches, 8 threads each: {issued} tokens issued, at most {bound}; {failures} failures");
    assert!((20..=bound).contains(&(issued as u64)) && failures == 0);
}

/// What an endpoint did.
#[derive(Default)]
struct Deeds {
    issued: AtomicUsize,
    /// Tokens that were issued and did not arrive.
    lost: AtomicUsize,
    refused: AtomicUsize,
}

/// An endpoint of tokens that live for `lifetime`; of its answers, `faults` in a hundred are wrong.
fn endpoint(lifetime: Duration, faults: usize, deeds: &Arc<Deeds>) -> Server {
    // One answer in so many is wrong, by chance which: in few answers too there are some.
    let every = 100_usize.checked_div(faults);
    let (deeds, state) = (Arc::clone(deeds), Mutex::new((Random::new(1), 0, 0)));
    let answer = |status: &str, body: &str| {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close");
        format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
    };
    let script = move |_| {
        let mut state = state.lock().expect("no panic");
        let (random, number, wrong) = &mut *state;
        let fault = every.and_then(|every| {
            let place = *number % every;
            *number += 1;
            if place == 0 {
                *wrong = random.below(every);
            }
            (place == *wrong).then(|| random.below(5))
        });
        drop(state);
        if let Some(3 | 4) = fault {
            deeds.refused.fetch_add(1, Ordering::Relaxed);
            let status =
                if fault == Some(3) { "503 Service Unavailable" } else { "500 Internal Server Error" };
            return vec![Act::Read, Act::Send(answer(status, "{}"))];
        }
        let n = deeds.issued.fetch_add(1, Ordering::Relaxed) as u64;
        let token = recognizable("ya29", n);
        let granted = format!(
            r#"{{"access_token":"{token}","expires_in":{},"token_type":"Bearer"}}"#,
            lifetime.as_secs()
        );
        let whole = answer("200 OK", &granted);
        deeds.lost.fetch_add(usize::from(fault.is_some()), Ordering::Relaxed);
        match fault {
            // The connection is closed without an answer, or in the middle of one; or the answer is damaged.
            Some(0) => vec![Act::Read],
            Some(1) => vec![Act::Read, Act::Send(whole[..whole.len() / 2].to_vec())],
            Some(_) => vec![Act::Read, Act::Send(answer("200 OK", &granted[..granted.len() / 2]))],
            None => vec![Act::Read, Act::Send(whole)],
        }
    };
    Server::start(script, Vec::new())
}

/// What a process of a proof counts, in this order on its line.
const COUNTS: [&str; 8] = [
    "calls",
    "failed calls",
    "failed calls although a usable token was stored before they began",
    "torn tokens",
    "expired tokens",
    "taken from the store",
    "waited out the lock",
    "failures of the store",
];

/// A child of a proof: so many threads call for so many seconds. `detail` is endpoint, seconds, threads and
/// the lifetime of tokens in seconds.
pub(crate) fn serve(path: &Path, detail: &str) {
    let mut detail = detail.split(' ');
    let endpoint = detail.next().expect("a URL");
    let [seconds, threads, lifetime] =
        [(); 3].map(|()| detail.next().and_then(|n| n.parse::<u64>().ok()).expect("a number"));
    let tokens = shortway::service_account(throw_away_key(), [scope::ANALYTICS])
        .token_endpoint(endpoint)
        .store(FileStore::at(path).expect("a path"))
        .build()
        .expect("tokens");
    crate::child::ready();
    let end = Instant::now() + Duration::from_secs(seconds);
    let counts: [AtomicUsize; COUNTS.len()] = Default::default();
    let count = |which: usize, by: u64| counts[which].fetch_add(by as usize, Ordering::Relaxed);
    let margin = Duration::from_secs(lifetime) / 10;
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while Instant::now() < end {
                    let began = SystemTime::now();
                    let result = tokens.token();
                    count(0, 1);
                    match result {
                        Ok(token) => {
                            count(3, u64::from(!is_whole(token.expose_secret())));
                            // A token has the margin left when it is returned, and less where this took long.
                            let now = SystemTime::now();
                            let quick = now.duration_since(began).is_ok_and(|took| took < margin);
                            count(4, u64::from(quick && token.is_expired(now)));
                        }
                        Err(_) => {
                            count(1, 1);
                            count(2, u64::from(was_stored(path, began, margin)));
                        }
                    }
                    thread::sleep(Duration::from_millis(20));
                }
            });
        }
    });
    let status = tokens.source().status();
    count(5, status.loaded);
    count(6, status.waited_out);
    count(7, status.failures);
    let counts = counts.each_ref().map(|count| count.load(Ordering::Relaxed).to_string());
    println!("counted: {}", counts.join(" "));
    if let Some(error) = status.last_failure {
        println!("failure: {error}");
    }
}

/// Whether the store at `path` was put in place before `time` and holds a token that has more left than `margin`.
/// Times of files are up to 10 ms behind.
fn was_stored(path: &Path, time: SystemTime, margin: Duration) -> bool {
    let placed = fs::metadata(path).is_ok_and(|found| {
        let changed =
            Duration::new(found.ctime() as u64, found.ctime_nsec() as u32) + Duration::from_millis(10);
        SystemTime::UNIX_EPOCH + changed < time
    });
    let usable = SystemTime::now() + margin;
    let ends = fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    let ends = ends.and_then(|file| file["tokens"].as_object()?.values().next()?["expires_at_ms"].as_u64());
    placed && ends.is_some_and(|at| SystemTime::UNIX_EPOCH + Duration::from_millis(at) > usable)
}

/// Lets many processes call, prints what they counted, and holds it against the bound.
fn prove(faults: usize, lifetime: Duration) {
    let processes = size("SHORTWAY_PROCESSES", 8);
    let seconds: u64 = size("SHORTWAY_SECONDS", 7);
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("tokens.json");
    let deeds = Arc::new(Deeds::default());
    let server = endpoint(lifetime, faults, &deeds);
    let detail = format!("{} {seconds} 8 {}", server.url(), lifetime.as_secs());
    let began = Instant::now();
    let children: Vec<Ready> =
        (0..processes).map(|_| Ready::start(&mut command("serve", &path, &detail))).collect();
    let mut counted = [0_u64; COUNTS.len()];
    for mut child in children {
        let line = child.line("counted:");
        for (sum, count) in counted.iter_mut().zip(line.split(' ')) {
            *sum += count.parse::<u64>().expect("a number");
        }
        if counted[7] > 0 {
            println!("a store failed: {}", child.line("failure:"));
        }
    }
    let took = began.elapsed();
    // A period of use: the lifetime less the early-refresh window, a quarter of it.
    let period = lifetime * 3 / 4;
    let periods = took.as_nanos().div_euclid(period.as_nanos()) as u64 + 1;
    let [issued, lost, refused] =
        [&deeds.issued, &deeds.lost, &deeds.refused].map(|n| n.load(Ordering::Relaxed));
    let bound = if faults == 0 { periods } else { periods + lost as u64 + counted[6] };
    println!(
        "{processes} processes with 8 threads for {took:.1?}, tokens of {lifetime:?}, faults in {faults} % of the \
         answers:\n  {issued} tokens issued, at most {bound}: {} periods of use and the one begun, {lost} \
         lost or damaged after issue, {} waited out the lock; {refused} requests refused",
        periods - 1,
        counted[6]
    );
    for (name, count) in COUNTS.iter().zip(counted) {
        println!("  {count:>9} {name}");
    }
    assert!(issued as u64 <= bound, "too many tokens");
    assert_eq!((counted[2], counted[3], counted[4], counted[7]), (0, 0, 0, 0), "see above");
    assert!(faults > 0 || counted[1] == 0, "a call failed without a fault");
    assert!(faults == 0 || issued < 20 || lost + refused > 0, "no fault was made");
}

#[test]
fn many_processes_cost_one_token_for_each_period_of_use() {
    prove(0, Duration::from_secs(size("SHORTWAY_LIFETIME", 4)));
}

#[test]
fn many_processes_lose_no_more_than_what_was_lost_when_one_answer_in_ten_is_wrong() {
    prove(10, Duration::from_secs(2));
}

#[test]
fn writers_that_are_killed_leave_a_whole_file_and_at_most_one_stray() {
    let kills: usize = size("SHORTWAY_KILLS", 30);
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("tokens.json");
    drop(Ready::start(&mut command("write", &path, "first")));
    assert!(!text(&stored(&path)).is_empty());
    let key = crate::only_key(&path);
    let ended = AtomicBool::new(false);
    let reads = thread::scope(|scope| {
        let readers: Vec<_> = (0..2).map(|_| scope.spawn(|| read(&path, &key, &ended))).collect();
        kill_writers(&path, kills);
        while readers.iter().any(|reader| !reader.is_finished()) {
            ended.store(true, Ordering::Relaxed);
            thread::yield_now();
        }
        readers.into_iter().map(|reader| reader.join().expect("no panic")).sum::<usize>()
    });
    let strays = |names: &[String]| names.iter().filter(|name| name.ends_with(".tmp")).count();
    let before = strays(&names(directory.path()));
    let last = Stored::new(
        ScriptedSource::numbered().with_identity(identity()),
        FileStore::at(&path).expect("a path"),
    );
    let held = last.token().expect("a token");
    last.token_for(&Ask::new().with_other_than(held)).expect("a token");
    assert_eq!(last.status().saved, 1);
    let after = strays(&names(directory.path()));
    println!(
        "{kills} writers killed during {reads} reads: 0 invalid reads, {before} stray files, {after} after the next save"
    );
    assert!(after <= 1 && is_taken(&path));
}

/// Reads until the end and at least a hundred times for each kill: how often.
fn read(path: &Path, key: &str, ended: &AtomicBool) -> usize {
    let (store, least) = (FileStore::at(path).expect("a path"), 100 * size("SHORTWAY_KILLS", 30) / 2);
    let mut reads = 0;
    while reads < least || !ended.load(Ordering::Relaxed) {
        let entry = store.load(key, Duration::ZERO).expect("a whole file").expect("an entry");
        let entry: serde_json::Value = serde_json::from_str(entry.expose_secret()).expect("a whole entry");
        let token = entry["token"].as_str().expect("a token");
        assert!(is_whole(token) || token == "token-1", "{token}");
        reads += 1;
    }
    reads
}

/// Starts three writers, and kills one and starts another, so many times, each after another while.
fn kill_writers(path: &Path, kills: usize) {
    let start = |n: usize| Ready::start(&mut command("write", path, &format!("writer-{n}")));
    let mut writers: Vec<Ready> = (0..3).map(start).collect();
    let mut random = Random::new(2);
    for n in 0..kills {
        thread::sleep(Duration::from_micros(random.below(10_000) as u64));
        // A child that is dropped is killed with SIGKILL.
        writers[n % 3] = start(n + 3);
    }
}
