//! Faults 56 to 137 of the catalogue: what a token endpoint, a network, a proxy can do to a program, done over real
//! sockets by a server that plays a script. Each row says the kind of the error, how often the request is sent, and by
//! when; all rows check that nothing that was sent is in any text, and that the next good answer is used.
//!
//! `cargo test --test net_faults -- --nocapture` prints which rows each test stands for, and all rows at the end of
//! `every_row_of_the_catalogue_has_its_place`.
//!
//! - Covered here: 56 to 58, 61 to 74, 76 to 122, 124 to 133, 136. Of 97 the reset while connecting, which a listener
//!   cannot be made to send, is only the refusal of 126. Of 122 the resolver's time limit, not the thread that waits on;
//!   of 125 a black hole of IPv4 before an address that answers. 108 is bounded on bytes that come out; its memory is
//!   measured in `tests/models/tests/allocations.rs`. 117 is an idle connection that falls silent; its age of 15 s is ureq's.
//! - Covered elsewhere: 59, 60, 75 in `tests/exchange.rs`; 134 in `tests/http.rs`; 135 and 137 in `src/http/proxy.rs`.
//!   What `tests/http.rs` and the unit tests of `src/http/mod.rs` check of 85 to 87, 107 to 110 and 120 comes on top.
//! - 123, a process without another thread, is checked by its effect, a panic in the HTTP client, in
//!   `src/http/transport.rs`: the limit that causes it does not bind root, under whom tests run in containers.

#[path = "../util/mod.rs"]
mod util;

#[path = "../util/outlets.rs"]
#[allow(unreachable_pub, reason = "shared by test programs")]
mod outlets;

#[path = "../util/random.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by test programs")]
mod random;

mod bodies;
mod certificates;
mod connections;
mod echoes;
mod framing;
mod row;
mod server;

use std::collections::BTreeMap;

/// Prints which rows of the catalogue the calling test stands for.
fn covers(faults: &[u8]) {
    let list: Vec<String> = faults.iter().map(u8::to_string).collect();
    println!("covers faults {}", list.join(", "));
}

/// Rows without a test here, and where they are checked.
const ELSEWHERE: &[(&str, &[u8])] = &[
    ("tests/exchange.rs, lifetime_is_read_by_the_table", &[59, 60]),
    ("tests/exchange.rs, clock_that_is_off_heals_itself", &[75]),
    ("tests/http.rs, root_certificates_must_be_some", &[134]),
    ("src/http/proxy.rs, unusable_proxy_is_an_error_without_its_password", &[135]),
    ("src/http/proxy.rs, hosts_of_no_proxy_are_reached_directly", &[137]),
    ("src/http/transport.rs, panic_in_the_client_is_an_error_and_the_agent_is_made_anew", &[123]),
];

/// The sources in which tests declare rows.
const SOURCES: &[(&str, &str)] = &[
    ("bodies", include_str!("bodies.rs")),
    ("framing", include_str!("framing.rs")),
    ("connections", include_str!("connections.rs")),
    ("echoes", include_str!("echoes.rs")),
];

#[test]
fn every_row_of_the_catalogue_has_its_place() {
    let mut rows: BTreeMap<u8, Vec<&str>> = BTreeMap::new();
    for (name, source) in SOURCES {
        for call in source.split("covers(&[").skip(1) {
            for number in call.split(']').next().expect("a list").split(',') {
                rows.entry(number.trim().parse().expect("a number of a row")).or_default().push(name);
            }
        }
    }
    for (place, numbers) in ELSEWHERE {
        for number in *numbers {
            assert!(!rows.contains_key(number), "{number} is here as well");
            rows.entry(*number).or_default().push(place);
        }
    }
    for (number, places) in &mut rows {
        places.dedup();
        println!("fault {number}: {}", places.join(", "));
    }
    assert_eq!(rows.into_keys().collect::<Vec<u8>>(), (56..=137).collect::<Vec<u8>>());
}
