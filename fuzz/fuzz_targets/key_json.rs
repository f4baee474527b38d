//! Any bytes as a key file: no panic, and neither an error nor the key's `Debug` shows any of `private_key`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shortway::ServiceAccountKey;
use shortway_fuzz::{check_error, check_no_echo};

fuzz_target!(|input: &[u8]| {
    match ServiceAccountKey::from_bytes(input) {
        Ok(key) => check_no_echo(input, "private_key", &format!("{key:?}")),
        Err(error) => {
            check_error(&error);
            check_no_echo(input, "private_key", &format!("{error} {error:?}"));
        }
    }
});
