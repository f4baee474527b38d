//! Times calls: batches of all candidates in turns, on one thread or on two at once.
//!
//! In: candidates. Out: nanoseconds per call, a sample a batch. A batch counts only when its thread kept its
//! core, and of two threads only when they really ran side by side: on a busy machine they would otherwise
//! take turns and never get in each other's way. Time that a thread sleeps in a candidate's lock is the
//! candidate's own.

use crate::{Result, allocations};
use core_affinity::CoreId;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{fs, hint, thread};

/// How long one batch takes: 0.5 ms, short beside a scheduler's slice and long beside a clock read.
const BATCH: Duration = Duration::from_micros(500);

/// How many batches of each candidate new threads time before others take over, so that no figure hangs on
/// the luck of one thread's heap.
const ROUNDS: usize = 20;

/// So many counted batches of each candidate are enough for a median.
const ENOUGH: usize = 101;

/// When fewer will do: 20 s after the first round.
const PATIENCE: Duration = Duration::from_secs(20);

/// With fewer counted batches than this there is no figure.
const LEAST: usize = 7;

/// When the machine is too busy for any figure: 60 s after the first round.
const LIMIT: Duration = Duration::from_secs(60);

/// The share of a batch for which both threads must have run: 85%.
const OVERLAP: f64 = 0.85;

/// Something to time: a call that is made again and again.
pub struct Candidate<'a> {
    name: &'static str,
    repeat: Box<dyn Fn(u32) + Sync + 'a>,
}

impl<'a> Candidate<'a> {
    /// `repeat` makes the call as often as it is told.
    pub fn new(name: &'static str, repeat: impl Fn(u32) + Sync + 'a) -> Self {
        Self { name, repeat: Box::new(repeat) }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Heap allocations per call.
    pub fn allocations(&self) -> f64 {
        const CALLS: u32 = 10_000;
        (self.repeat)(1); // what is made once per thread
        allocations::counted(|| (self.repeat)(CALLS)) as f64 / f64::from(CALLS)
    }
}

/// Nanoseconds per call, a number a batch.
pub struct Samples(Vec<f64>);

impl Samples {
    fn new(name: &str, mut ns: Vec<f64>) -> Result<Self> {
        if ns.len() < LEAST {
            return Err(
                format!("{name}: only {} undisturbed batches, the machine is too busy", ns.len()).into()
            );
        }
        ns.sort_by(f64::total_cmp);
        Ok(Self(ns))
    }

    pub fn min(&self) -> f64 {
        self.0[0]
    }

    pub fn median(&self) -> f64 {
        median(&self.0)
    }

    pub fn max(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// The middle of `sorted`.
pub fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

/// Times every candidate on one thread.
pub fn one_thread(candidates: &[Candidate]) -> Result<Vec<Samples>> {
    time(candidates, &cores(1)?, |batches| (!batches[0].disturbed).then(|| batches[0].ns()))
}

/// Times every candidate on two threads at once.
pub fn two_threads(candidates: &[Candidate]) -> Result<Vec<Samples>> {
    time(candidates, &cores(2)?, |batches| {
        let [a, b] = batches else { unreachable!("a batch for each core") };
        let side_by_side = a.end.min(b.end).saturating_duration_since(a.start.max(b.start));
        let counts = !a.disturbed
            && !b.disturbed
            && side_by_side.as_secs_f64() >= OVERLAP * a.took().max(b.took()).as_secs_f64();
        counts.then(|| f64::midpoint(a.ns(), b.ns()))
    })
}

fn cores(count: usize) -> Result<Vec<CoreId>> {
    let mut cores = core_affinity::get_core_ids().ok_or("the cores of this machine cannot be listed")?;
    if cores.len() < count {
        return Err(format!("{count} threads at once need {count} cores, there is {}", cores.len()).into());
    }
    // The last ones: interrupts prefer the first.
    Ok(cores.split_off(cores.len() - count))
}

/// Runs rounds until each candidate has enough batches for which `figure` has a number.
fn time(
    candidates: &[Candidate],
    cores: &[CoreId],
    figure: impl Fn(&[Batch]) -> Option<f64>,
) -> Result<Vec<Samples>> {
    let counts = batch_sizes(candidates, cores);
    let mut samples = vec![Vec::new(); candidates.len()];
    let started = Instant::now();
    let fewest = |samples: &[Vec<f64>]| samples.iter().map(Vec::len).min();
    while fewest(&samples) < Some(if started.elapsed() < PATIENCE { ENOUGH } else { LEAST })
        && started.elapsed() < LIMIT
    {
        // The first round warms up.
        for round in side_by_side(candidates, cores, &counts, ROUNDS + 1).into_iter().skip(1) {
            for (index, batches) in round {
                samples[index].extend(figure(&batches));
            }
        }
    }
    candidates.iter().zip(samples).map(|(candidate, ns)| Samples::new(candidate.name, ns)).collect()
}

/// How many calls fill a batch, by a few tries in the same setting.
fn batch_sizes(candidates: &[Candidate], cores: &[CoreId]) -> Vec<u32> {
    const FIRST: u32 = 1000;
    const TRIES: usize = 5;
    let mut sizes = vec![FIRST; candidates.len()];
    for _ in 0..2 {
        let mut tries = vec![Vec::new(); candidates.len()];
        for (index, batches) in side_by_side(candidates, cores, &sizes, TRIES).into_iter().flatten() {
            tries[index].extend(batches.iter().map(Batch::ns));
        }
        for (size, mut ns) in sizes.iter_mut().zip(tries) {
            ns.sort_by(f64::total_cmp);
            *size = (BATCH.as_nanos() as f64 / median(&ns).max(0.1)).max(1.0) as u32;
        }
    }
    sizes
}

/// One thread's calls in a row.
struct Batch {
    calls: u32,
    start: Instant,
    end: Instant,
    /// Whether the thread lost its core to another.
    disturbed: bool,
}

impl Batch {
    fn took(&self) -> Duration {
        self.end - self.start
    }

    fn ns(&self) -> f64 {
        self.took().as_nanos() as f64 / f64::from(self.calls)
    }
}

/// Runs `rounds` of all candidates, in an order that moves on by one each round, with a thread on each core.
/// Gives each round's candidates, by index, and their batches, one a core.
fn side_by_side(
    candidates: &[Candidate],
    cores: &[CoreId],
    sizes: &[u32],
    rounds: usize,
) -> Vec<Vec<(usize, Vec<Batch>)>> {
    let order = |round: usize| (0..candidates.len()).map(move |turn| (round + turn) % candidates.len());
    let barrier = SpinBarrier::new(cores.len());
    let run = |core: CoreId| {
        core_affinity::set_for_current(core);
        let batch = |index: usize| {
            let (calls, candidate) = (sizes[index], &candidates[index]);
            let switches = involuntary_switches();
            barrier.wait();
            let start = Instant::now();
            (candidate.repeat)(calls);
            let end = Instant::now();
            Batch { calls, start, end, disturbed: involuntary_switches() != switches }
        };
        (0..rounds).map(|round| order(round).map(batch).collect()).collect::<Vec<Vec<Batch>>>()
    };
    let mut by_core: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = cores.iter().map(|&core| scope.spawn(move || run(core))).collect();
        threads.into_iter().map(|t| t.join().expect("a candidate does not panic").into_iter()).collect()
    });
    let by_round = (0..rounds).map(|round| {
        let mut batches: Vec<_> =
            by_core.iter_mut().map(|rounds| rounds.next().expect("all rounds").into_iter()).collect();
        order(round).map(|index| (index, batches.iter_mut().filter_map(Iterator::next).collect())).collect()
    });
    by_round.collect()
}

/// How often this thread was made to leave its core; always 0 where the system does not say.
fn involuntary_switches() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}

/// Lets all threads go on at once, within nanoseconds: none of them sleeps.
struct SpinBarrier {
    threads: usize,
    arrived: AtomicUsize,
}

impl SpinBarrier {
    fn new(threads: usize) -> Self {
        Self { threads, arrived: AtomicUsize::new(0) }
    }

    fn wait(&self) {
        let before = self.arrived.fetch_add(1, Ordering::AcqRel);
        let all = (before / self.threads + 1) * self.threads;
        while self.arrived.load(Ordering::Acquire) < all {
            hint::spin_loop();
        }
    }
}
