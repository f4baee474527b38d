//! Every cut and every flipped bit of a private key.

use crate::fixture::{CANARY, DER, assert_taken, load_der, signs_right};
use crate::util::canary::all_texts;
use shortway::{Error, ErrorKind};
use std::collections::HashSet;
use std::thread;

/// What must hold for every refusal; texts that were looked at already are not searched again.
#[track_caller]
fn check(what: &str, error: &Error, seen: &mut HashSet<String>) {
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Key, false), "{what}: {error}");
    let texts = all_texts(error);
    if !seen.contains(&texts) {
        CANARY.assert_absent(&texts);
        seen.insert(texts);
    }
}

#[test]
fn key_cut_anywhere_or_longer_by_a_byte_is_refused() {
    let mut seen = HashSet::new();
    for length in 0..DER.len() {
        let what = format!("cut to {length} bytes");
        check(&what, &load_der(&DER[..length]).expect_err(&what), &mut seen);
    }
    for byte in 0..=u8::MAX {
        let what = format!("{byte} appended");
        check(&what, &load_der(&[&DER, &[byte][..]].concat()).expect_err(&what), &mut seen);
        let what = format!("{byte} in front");
        check(&what, &load_der(&[&[byte], &DER[..]].concat()).expect_err(&what), &mut seen);
    }
    println!("{} cuts refused, in {} different texts", DER.len(), seen.len());
    assert_taken("the whole key", load_der(&DER));
}

/// How many mutants were refused and how many were taken, all of them signing right.
fn count(places: std::ops::Range<usize>) -> (usize, usize) {
    let (mut refused, mut taken) = (0, 0);
    let mut seen = HashSet::new();
    for (place, bit) in places.flat_map(|place| (0..8).map(move |bit| (place, bit))) {
        let mut mutant = DER.clone();
        mutant[place] ^= 1 << bit;
        let what = format!("byte {place}, bit {bit}");
        match load_der(&mutant) {
            Err(error) => {
                check(&what, &error, &mut seen);
                refused += 1;
            }
            Ok(key) => {
                assert!(signs_right(&key), "{what}: it is taken and signs wrongly");
                taken += 1;
            }
        }
    }
    (refused, taken)
}

#[test]
fn key_with_any_bit_flipped_is_refused_or_signs_right() {
    let middle = DER.len() / 2;
    let ((refused_1, taken_1), (refused_2, taken_2)) = thread::scope(|scope| {
        let first = scope.spawn(|| count(0..middle));
        let second = count(middle..DER.len());
        (first.join().expect("the first half holds"), second)
    });
    let (refused, taken) = (refused_1 + refused_2, taken_1 + taken_2);
    println!("{} mutants: {refused} refused, {taken} taken and signing right", refused + taken);
    assert_eq!(refused + taken, DER.len() * 8);
    assert_taken("the whole key", load_der(&DER));
}
