//! Prints how a cached hit, a stampede and a decoded report of `shortway` compare with those of its peers, as
//! `RATIO` lines.

mod allocations;
#[path = "../../body.rs"]
mod body;
mod decode;
mod floors;
mod key;
mod measure;
mod ours;
mod pages;
mod peers;
mod race;
mod runtime;
mod server;
mod stampede;
mod versions;

use measure::{Candidate, Samples};
use race::{Entry, Library, Track};
use std::process::ExitCode;

/// Whatever goes wrong ends the program with this text.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const USAGE: &str = "\
Compares shortway with gcp_auth, google-cloud-auth, tame-oauth and yup-oauth2, and its reports with
google-analyticsdata1_beta and serde.

Usage: cargo run --release --manifest-path benches/peers/Cargo.toml -- [NAME...]

Without a NAME all are run. Each prints `RATIO name value (...)`: ours divided by theirs, lower is better.

  cached_hit_1thread    a cached token on one thread / the fastest peer
  cached_hit_vs_clock   the same / the two clock reads that a hit must do
  cached_hit_2threads   two threads on one shared source / the fastest peer
  exchanges_64_callers  token requests when 64 callers find no usable token / the best peer
  decode_250k_vs_naive, decode_250k_vs_byron, decode_250k_vs_ignored_any
                        a report of 250,000 rows of 7 columns, compact, decoded and dropped / plain structs
                        with serde / google-analyticsdata1_beta / serde that keeps nothing
  typed_250k_vs_naive   the same to a Vec of the user's structs / plain structs with serde
  decode_250k_peak_vs_body
                        bytes allocated at the peak of a decode / bytes of the body
  pages_1m_par4_vs_seq  a million rows, 40,000 a page, 300 ms each: four pages at once / page by page
";

const NAMES: [&str; 10] = [
    "cached_hit_1thread",
    "cached_hit_vs_clock",
    "cached_hit_2threads",
    "exchanges_64_callers",
    decode::VS_NAIVE,
    decode::VS_BYRON,
    decode::VS_IGNORED_ANY,
    decode::TYPED_VS_NAIVE,
    decode::PEAK_VS_BODY,
    pages::PAR4_VS_SEQ,
];

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).collect();
    if names.iter().any(|name| name == "-h" || name == "--help") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    if let Some(unknown) = names.iter().find(|name| !NAMES.contains(&name.as_str())) {
        eprint!("there is no ratio named `{unknown}`\n\n{USAGE}");
        return ExitCode::from(2);
    }
    match run(|name| names.is_empty() || names.iter().any(|wanted| wanted == name)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(wanted: impl Fn(&str) -> bool) -> Result<()> {
    if cfg!(debug_assertions) {
        return Err("timings of a debug build say nothing: run with --release".into());
    }
    println!("peers: {}", peers::ALL.map(|peer| versions::with_version(peer.name)).join(", "));
    decode::run(&wanted)?;
    pages::run(&wanted)?;
    let is_report = |name: &&str| decode::NAMES.contains(name) || *name == pages::PAR4_VS_SEQ;
    if NAMES.iter().all(|name| is_report(name) || !wanted(name)) {
        return Ok(());
    }
    let track = Track::lay()?;
    if wanted("cached_hit_1thread") || wanted("cached_hit_vs_clock") || wanted("cached_hit_2threads") {
        cached_hits(&track, &wanted)?;
    }
    if wanted("exchanges_64_callers") {
        stampede::run(&track)?;
    }
    Ok(())
}

/// Times hits of everyone and everything, interleaved.
fn cached_hits(track: &Track, wanted: &impl Fn(&str) -> bool) -> Result<()> {
    let libraries = race::ENTRIES
        .iter()
        .map(|entry| Ok((entry, warm(track, entry)?)))
        .collect::<Result<Vec<(&Entry, Box<dyn Library>)>>>()?;
    let sent = track.server.requests();

    let mut candidates = floors::all();
    for (entry, library) in &libraries {
        candidates.push(Candidate::new(entry.call, |count| library.hits(count)));
    }
    let first = candidates.len() - libraries.len();

    println!("\nheap allocations per cached hit");
    for candidate in &candidates[first..] {
        println!("  {:44} {:8.2}", candidate.name(), candidate.allocations());
    }
    if wanted("cached_hit_1thread") || wanted("cached_hit_vs_clock") {
        let samples = measure::one_thread(&candidates)?;
        print_table("one thread", &candidates, &samples);
        let (ours, peers) = (&samples[first], &samples[first + 1..]);
        if wanted("cached_hit_1thread") {
            print_against_fastest("cached_hit_1thread", ours, peers);
        }
        if wanted("cached_hit_vs_clock") {
            let clocks = &samples[floors::BOTH_CLOCKS];
            let text = format!("SystemTime::now() and Instant::now() {:.1} ns", clocks.median());
            print_ratio("cached_hit_vs_clock", ours, clocks, &text);
        }
    }
    if wanted("cached_hit_2threads") {
        let samples = measure::two_threads(&candidates)?;
        print_table("two threads at once", &candidates, &samples);
        print_against_fastest("cached_hit_2threads", &samples[first], &samples[first + 1..]);
    }
    match track.server.requests() - sent {
        0 => Ok(()),
        more => Err(format!("{more} token requests were sent while cached hits were timed").into()),
    }
}

/// A library that holds the server's token.
fn warm(track: &Track, entry: &Entry) -> Result<Box<dyn Library>> {
    let before = track.server.requests();
    let library = (entry.open)(track).map_err(|error| entry.failed(&error))?;
    let token = library.token().map_err(|error| entry.failed(&error))?;
    if token.len() != server::TOKEN_LENGTH || track.server.requests() != before + 1 {
        return Err(entry.failed(&"it did not get its token from the token server"));
    }
    Ok(library)
}

fn print_table(title: &str, candidates: &[Candidate], samples: &[Samples]) {
    let title = format!("cached hit, {title}, ns");
    println!("\n{title:46} {:>8} {:>8} {:>8} {:>8}", "min", "median", "max", "batches");
    for (candidate, samples) in candidates.iter().zip(samples) {
        let (min, median, max) = (samples.min(), samples.median(), samples.max());
        println!("  {:44} {min:8.1} {median:8.1} {max:8.1} {:8}", candidate.name(), samples.count());
    }
}

fn print_against_fastest(name: &str, ours: &Samples, peers: &[Samples]) {
    let (peer, fastest) = peers::ALL
        .iter()
        .zip(peers)
        .min_by(|(_, a), (_, b)| a.median().total_cmp(&b.median()))
        .expect("there are peers");
    let text = format!("fastest peer {} {:.1} ns", versions::with_version(peer.name), fastest.median());
    print_ratio(name, ours, fastest, &text);
}

fn print_ratio(name: &str, ours: &Samples, theirs: &Samples, text: &str) {
    println!(
        "RATIO {name} {:.3} (ours {:.1} ns, {text}; medians of {} and {} interleaved batches)",
        ours.median() / theirs.median(),
        ours.median(),
        ours.count(),
        theirs.count(),
    );
}
