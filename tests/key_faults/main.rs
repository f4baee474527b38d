//! Faults 1 to 55 of the catalogue: key files and private keys that are damaged, hostile, or simply something else.
//!
//! Each test says through [`covers`] which rows it stands for; `cargo test --test key_faults -- --nocapture` prints
//! them, and the table of all rows at the end of `every_row_of_the_catalogue_has_its_test`. Rows that
//! `tests/key_file.rs` checks already are in [`IN_KEY_FILE`] and not checked twice.

#[path = "../util/mod.rs"]
mod util;

#[path = "../util/outlets.rs"]
#[allow(unreachable_pub, reason = "shared by test programs")]
mod outlets;

#[path = "../util/random.rs"]
#[allow(unreachable_pub, reason = "shared by test programs")]
mod random;

mod damage;
mod der;
mod endpoints;
#[cfg(unix)]
mod files;
mod fixture;
mod json;
mod leaks;
mod pem;

use std::collections::BTreeMap;

/// Prints which rows of the catalogue the calling test stands for.
fn covers(faults: &[u8]) {
    let list: Vec<String> = faults.iter().map(u8::to_string).collect();
    println!("covers faults {}", list.join(", "));
}

/// Rows that `tests/key_file.rs` checks, and the test there. Rows that stand here as well are only added to.
const IN_KEY_FILE: &[(&str, &[u8])] = &[
    ("missing_file_is_named", &[1]),
    ("what_is_no_file_is_told_at_once", &[2, 6]),
    ("what_is_not_json_is_told_by_how_it_looks", &[4, 5, 10, 12, 13, 14, 15, 28]),
    ("key_file_is_read_from_file_text_bytes_and_reader", &[7]),
    ("bytes_that_are_no_text_are_told_by_how_they_look", &[8, 9, 11]),
    ("other_credentials_are_named_by_their_type", &[16, 17]),
    ("missing_and_wrong_fields_are_named", &[18, 19, 20, 26]),
    ("fields_that_may_be_missing_may_be_missing", &[20, 21]),
    ("pem_whose_newlines_were_damaged_is_mended", &[33, 34, 35, 36, 37, 38]),
    ("damaged_pem_is_told_without_a_byte_of_it", &[39, 42, 43, 44, 45, 46, 47, 52]),
    ("keys_of_every_other_kind_are_refused_by_name", &[40, 42, 48, 49, 50, 51]),
];

/// Rows without a test of their own. 31: a key that is rotated while the program runs is not read again; a new key
/// needs a new source. 55: a key that is disabled or deleted at Google is a good key here; what the endpoint answers to it
/// is checked in `tests/exchange.rs`, `refusal_is_sorted_by_code_first_and_status_second`.
const ELSEWHERE: &[u8] = &[31, 55];

/// The sources in which tests declare rows.
const SOURCES: &[(&str, &str)] = &[
    ("files", include_str!("files.rs")),
    ("json", include_str!("json.rs")),
    ("pem", include_str!("pem.rs")),
    ("der", include_str!("der.rs")),
    ("endpoints", include_str!("endpoints.rs")),
    ("leaks", include_str!("leaks.rs")),
    ("../key_faults_privileged", include_str!("../key_faults_privileged.rs")),
];

#[test]
fn every_row_of_the_catalogue_has_its_test() {
    let mut rows: BTreeMap<u8, Vec<&str>> = BTreeMap::new();
    for (name, source) in SOURCES {
        for call in source.split("covers(&[").skip(1) {
            let list = call.split(']').next().expect("a list");
            for number in list.split(',') {
                rows.entry(number.trim().parse().expect("a number of a row")).or_default().push(name);
            }
        }
    }
    let key_file = include_str!("../key_file.rs");
    for (test, numbers) in IN_KEY_FILE {
        assert!(key_file.contains(&format!("fn {test}()")), "tests/key_file.rs has no test {test}");
        for number in *numbers {
            rows.entry(*number).or_default().push("../key_file");
        }
    }
    for number in ELSEWHERE {
        rows.entry(*number).or_default().push("not here: see ELSEWHERE");
    }
    for (number, places) in &mut rows {
        places.dedup();
        println!("fault {number}: {}", places.join(", "));
    }
    let numbers: Vec<u8> = rows.keys().copied().collect();
    assert_eq!(numbers, (1..=55).collect::<Vec<u8>>());
}
