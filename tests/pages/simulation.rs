//! Downloads from a server that fails at random: what comes is right, or an error says that it is not.

use crate::random::Random;
use crate::site::{Fault, Row, Site, flat};
use crate::{point, property, read, request};
use shortway::ErrorKind;
use std::env;

/// How many downloads are simulated: `SIMULATED_DOWNLOADS`, else 2,000.
fn downloads() -> u64 {
    env::var("SIMULATED_DOWNLOADS").map_or(2_000, |text| text.parse().expect("a number of downloads"))
}

#[test]
fn no_download_loses_or_doubles_a_row_in_silence() {
    let mut counted = Counted::default();
    for seed in 0..downloads() {
        simulate(seed, &mut counted);
    }
    println!("{counted:?}");
    let all = [counted.whole, counted.resumed, counted.drift, counted.counting_unknown];
    assert!(all.iter().all(|count| *count > 0), "a case does not occur: {counted:?}");
    assert_eq!(counted.lost_or_doubled, 0, "{counted:?}");
}

#[derive(Debug, Default)]
struct Counted {
    whole: u64,
    /// Ended early, and gone on later.
    resumed: u64,
    drift: u64,
    /// A short page of several date ranges before any page has told how rows are counted: not judged.
    counting_unknown: u64,
    lost_or_doubled: u64,
}

fn simulate(seed: u64, counted: &mut Counted) {
    let random = &mut Random::new(seed);
    let ranges = random.pick(&[1, 1, 2, 3]);
    let counts_keys = random.below(2) == 0;
    let limit = 1 + random.below(6);
    let keys = random.below(5 * limit + 1);
    let site = Site::new(table(random, keys, ranges), ranges, counts_keys);
    let before = site.state().flat();
    let faults = faults(random, &site, limit);
    let changes = random.below(3) == 0;
    if changes {
        let offset = limit * (1 + random.below(4));
        let rows = changed(random, &site.state().rows, ranges);
        site.state().change = Some((offset as u64, rows));
    }
    let unknown = ranges > 1 && faults.iter().any(|(page, _)| !is_told(&site, limit, *page));
    let request = request(ranges, limit as u64);
    let mut pages = property(&site, seed + 1_000).pages(&request).parallel(1 + random.below(4));
    let (mut found, error) = read(&mut pages);
    let after = site.state().calm();
    let changed = after != before;
    match error {
        _ if unknown => counted.counting_unknown += 1,
        // A page from before the change, and one from after it, would have other totals.
        None if found == before || found == after => counted.whole += 1,
        None => {
            eprintln!("seed {seed}: {found:?} is neither {before:?} nor {after:?}; {faults:?}");
            counted.lost_or_doubled += 1;
        }
        Some(error) if error.kind() == ErrorKind::Drift || changed => {
            assert!(changed || distorted(&faults), "seed {seed}: {error}");
            counted.drift += 1;
        }
        Some(error) => {
            if !found.is_empty() {
                let rest = property(&site, seed + 1_000).pages(&request).resume(point(&error));
                let (rest, error) = read(&mut rest.expect("the same request"));
                assert!(error.is_none(), "seed {seed}: {error:?}");
                found.extend(rest);
                if found != before {
                    eprintln!("seed {seed}: resumed, {found:?} is not {before:?}; {faults:?}");
                    counted.lost_or_doubled += 1;
                }
            }
            counted.resumed += 1;
        }
    }
}

/// Keys in order, each with a figure in some of the ranges.
fn table(random: &mut Random, keys: usize, ranges: usize) -> Vec<Row> {
    let dense = random.below(2) == 0;
    let figures = |random: &mut Random| {
        let mut figures: Vec<Option<u64>> = (0..ranges)
            .map(|_| (dense || random.below(2) == 0).then(|| 1 + random.below(1_000_000) as u64))
            .collect();
        if figures.iter().all(Option::is_none) {
            figures[0] = Some(1);
        }
        figures
    };
    (0..keys).map(|i| (format!("k{:03}", 2 * i), figures(random))).collect()
}

/// Up to two faults, each at the offset of a page, for its first request or for both.
fn faults(random: &mut Random, site: &Site, limit: usize) -> Vec<(usize, Fault)> {
    let mut faults = Vec::new();
    let pages = count(site).div_ceil(limit).max(1);
    for _ in 0..random.below(3) {
        let page = random.below(pages);
        let fault = match random.below(5) {
            0 => Fault::Short(1 + random.below(limit)),
            1 => Fault::Empty,
            2 => Fault::Doubled,
            3 => Fault::Long,
            _ => Fault::Status(random.pick(&[503, 429])),
        };
        // A first page without rows is a report without rows, and who sees no second request sees no fault.
        let is_first = page == 0 && matches!(fault, Fault::Empty | Fault::Short(_) | Fault::Doubled);
        if !is_first && !faults.iter().any(|(other, _)| *other == page) {
            let times = 1 + random.below(2);
            site.state().faults.insert((page * limit) as u64, vec![fault; times]);
            faults.push((page, fault));
        }
    }
    faults
}

/// Whether a fault may look like rows that have moved, or like the other way to count them.
fn distorted(faults: &[(usize, Fault)]) -> bool {
    faults.iter().any(|(_, fault)| !matches!(fault, Fault::Status(_) | Fault::Empty))
}

/// How many rows the server says.
fn count(site: &Site) -> usize {
    let state = site.state();
    if state.counts_keys { state.rows.len() } else { state.flat().len() }
}

/// Whether a page before this one tells how rows are counted.
fn is_told(site: &Site, limit: usize, page: usize) -> bool {
    let state = site.state();
    let rows = flat(&state.rows, state.ranges);
    (0..page).any(|page| {
        let distinct = |rows: &[Vec<String>]| {
            let mut keys: Vec<&String> = rows.iter().map(|row| &row[0]).collect();
            keys.dedup();
            keys.len()
        };
        match state.counts_keys {
            true => {
                let keys: Vec<Row> = state.rows.iter().skip(page * limit).take(limit).cloned().collect();
                flat(&keys, state.ranges).len() != keys.len()
            }
            false => {
                let rows: Vec<_> = rows.iter().skip(page * limit).take(limit).cloned().collect();
                distinct(&rows) != rows.len()
            }
        }
    })
}

/// The data after a change: a row more, a row less, another figure, a row in the place of another one.
fn changed(random: &mut Random, rows: &[Row], ranges: usize) -> Vec<Row> {
    let mut rows = rows.to_vec();
    let new = |random: &mut Random| {
        (format!("k{:03}", 2 * random.below(40) + 1), vec![Some(1 + random.below(1_000_000) as u64); ranges])
    };
    let place = random.below(rows.len());
    match random.below(4) {
        0 => rows.push(new(random)),
        1 if !rows.is_empty() => drop(rows.remove(place)),
        2 if !rows.is_empty() => rows[place].1 = vec![Some(2_000_000 + random.below(1_000) as u64); ranges],
        _ if !rows.is_empty() => rows[place] = new(random),
        _ => {}
    }
    rows.sort();
    rows
}
