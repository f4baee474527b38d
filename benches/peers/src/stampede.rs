//! Counts the token requests that a crowd of callers causes when there is no usable token.

use crate::race::{ENTRIES, Entry, Library, Track};
use crate::server::LIFETIME;
use crate::{Result, measure, versions};
use std::thread;
use std::time::Duration;

const CALLERS: usize = 64;

const RUNS: usize = 5;

/// How long the token server takes to answer: 50 ms, about what a distant one takes.
const ANSWER: Duration = Duration::from_millis(50);

/// What the callers find in the cache.
#[derive(Clone, Copy, PartialEq)]
enum Cache {
    Empty,
    Expired,
}

pub fn run(track: &Track) -> Result<()> {
    let title = format!("token requests of {CALLERS} callers at once");
    println!("\n{title:46} {:>8} {:>8} {:>8}", "min", "median", "max");
    let mut ratio = 0.0_f64;
    let mut text = Vec::new();
    for (cache, name) in [(Cache::Empty, "empty"), (Cache::Expired, "expired")] {
        let mut medians = Vec::new();
        let entries = ENTRIES.iter().filter(|e| cache == Cache::Empty || e.renews_on_demand);
        let counts = count(track, cache, entries.clone())?;
        for (entry, mut counts) in entries.zip(counts) {
            counts.sort_by(f64::total_cmp);
            let (min, median, max) = (counts[0], measure::median(&counts), counts[RUNS - 1]);
            println!("  {:44} {min:8} {median:8} {max:8}", format!("{}, {name} cache", entry.name));
            medians.push((entry.name, median));
        }
        let best = medians[1..].iter().min_by(|a, b| a.1.total_cmp(&b.1)).expect("there are peers");
        ratio = ratio.max(medians[0].1 / best.1);
        text.push(format!(
            "{name} cache: ours {}, {} {}",
            medians[0].1,
            versions::with_version(best.0),
            best.1
        ));
    }
    println!(
        "RATIO exchanges_64_callers {ratio:.3} (the worse of: {}; medians of {RUNS} interleaved runs; \
         google-cloud-auth with user credentials, as its service accounts make no exchange, and with an empty cache \
         only, as its background task looks at an expired token every 10 s)",
        text.join("; "),
    );
    Ok(())
}

/// The counts of each entry, a number a run.
fn count<'a>(
    track: &Track,
    cache: Cache,
    entries: impl Iterator<Item = &'a Entry> + Clone,
) -> Result<Vec<Vec<f64>>> {
    let in_turns = || (0..RUNS).flat_map(|_| entries.clone().enumerate());
    let mut expired = match cache {
        Cache::Empty => Vec::new(),
        Cache::Expired => with_expired_tokens(track, in_turns().map(|(_, entry)| entry))?,
    }
    .into_iter();
    let mut counts = vec![Vec::new(); entries.clone().count()];
    track.server.answer_after(ANSWER);
    for (index, entry) in in_turns() {
        let before = track.server.requests();
        // One with a background task sends its request when it is made.
        let library = expired.next().map_or_else(|| (entry.open)(track), Ok);
        library.and_then(|library| library.all_at_once(CALLERS)).map_err(|error| entry.failed(&error))?;
        match track.server.requests() - before {
            0 => return Err(entry.failed(&"it did not ask the token server")),
            sent => counts[index].push(sent as f64),
        }
    }
    track.server.answer_after(Duration::ZERO);
    Ok(counts)
}

/// Sources that got a token which by now is worth nothing.
fn with_expired_tokens<'a>(
    track: &Track,
    entries: impl Iterator<Item = &'a Entry>,
) -> Result<Vec<Box<dyn Library>>> {
    const SHORT: Duration = Duration::from_secs(1);
    track.server.lifetime(SHORT);
    let mut sources = Vec::new();
    for entry in entries {
        let source = (entry.open)(track).and_then(|source| source.token().map(|_| source));
        sources.push(source.map_err(|error| entry.failed(&error))?);
    }
    track.server.lifetime(LIFETIME);
    thread::sleep(SHORT + Duration::from_millis(200));
    Ok(sources)
}
