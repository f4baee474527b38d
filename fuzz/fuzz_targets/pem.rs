//! Any text as the `private_key` of an otherwise good key file: no panic, no echo of it, and what loads
//! signs.
//!
//! Every seed is a form of the throw-away key. Nobody finds another RSA key by chance, so what loads is that
//! key, and its signature must verify with that key's public half.
#![no_main]

use base64::prelude::{BASE64_STANDARD, Engine};
use libfuzzer_sys::{Corpus, fuzz_target};
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::Value;
use shortway::ServiceAccountKey;
use shortway::testing::THROW_AWAY_KEY_JSON;
use shortway_fuzz::{check_error, check_no_echo};
use std::sync::LazyLock;
use std::time::Instant;

static PUBLIC_KEY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let file: Value = serde_json::from_str(THROW_AWAY_KEY_JSON).expect("the shipped key is JSON");
    let pem = file["private_key"].as_str().expect("the shipped key holds a PEM text");
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = BASE64_STANDARD.decode(body).expect("the shipped key is base64");
    let pair = RsaKeyPair::from_pkcs8(&der).expect("the shipped key is PKCS#8");
    pair.public_key().as_ref().to_vec()
});

fuzz_target!(|input: &[u8]| -> Corpus {
    let Ok(pem) = str::from_utf8(input) else { return Corpus::Reject };
    let file = serde_json::json!({
        "type": "service_account",
        "client_email": "fuzz@throw-away.iam.gserviceaccount.com",
        "private_key": pem,
    })
    .to_string();
    match ServiceAccountKey::from_json(&file) {
        Ok(key) => {
            check_no_echo(file.as_bytes(), "private_key", &format!("{key:?}"));
            let signature = key.signer().sign(input, Instant::now()).expect("a key that loads signs");
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &*PUBLIC_KEY)
                .verify(input, &signature)
                .expect("a signature verifies");
        }
        Err(error) => {
            check_error(&error);
            check_no_echo(file.as_bytes(), "private_key", &format!("{error} {error:?}"));
        }
    }
    Corpus::Keep
});
