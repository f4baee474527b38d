//! What an assertion costs: nanoseconds beside the bare signature in it, and what loading a key costs, in one
//! interleaved run.
//!
//! `cargo bench --bench sign`. One thread, the throw-away key of 2048 bits. The last line compares minima: on
//! a busy machine they move least.
#![allow(missing_docs, reason = "a program")]

use base64::prelude::{BASE64_STANDARD, Engine};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use shortway::jwt::{Claims, assertion};
use shortway::testing::THROW_AWAY_KEY_JSON;
use shortway::{Error, ServiceAccountKey, Signer, endpoint, scope};
use std::hint::black_box;
use std::time::{Duration, Instant, SystemTime};

const ROUNDS: usize = 301;

/// How much of the signature's time everything else in an assertion may take.
const GOAL: f64 = 3.0;

/// What is timed: its name, how many calls make one sample, the call.
type Row<'a> = (&'static str, u32, &'a dyn Fn());

fn main() {
    let key = ServiceAccountKey::from_json(THROW_AWAY_KEY_JSON).expect("the shipped key is good");
    let claims = Claims::for_scope(key.client_email(), endpoint::token::GOOGLE, scope::ANALYTICS_READONLY);
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let deadline = Instant::now() + Duration::from_secs(3600);
    let assert =
        |signer: &dyn Signer| assertion(signer, key.key_id(), &claims, now, deadline).expect("a good signer");

    let whole = assert(key.signer());
    let (input, _) = whole.expose_secret().rsplit_once('.').expect("a JWS has three parts");
    let pair = throw_away_pair();
    let random = SystemRandom::new();
    let raw = || {
        let mut signature = [0; 256];
        pair.sign(&RSA_PKCS1_SHA256, &random, black_box(input.as_bytes()), &mut signature)
            .expect("a good key");
        black_box(signature);
    };
    let signed = || drop(black_box(assert(key.signer())));
    let unsigned = || drop(black_box(assert(&FixedSigner)));
    let load = || drop(black_box(ServiceAccountKey::from_json(black_box(THROW_AWAY_KEY_JSON))));
    let rows: [Row<'_>; 4] = [
        ("ring's signature", 4, &raw),
        ("the whole assertion", 4, &signed),
        ("all but the signature", 1000, &unsigned),
        ("key load from JSON", 2, &load),
    ];

    let mut figures = vec![Vec::new(); rows.len()];
    for round in 0..=ROUNDS {
        for ((_, calls, call), figures) in rows.iter().zip(&mut figures) {
            let sample = time(*calls, *call);
            // The first round warms up.
            if round > 0 {
                figures.push(sample);
            }
        }
    }
    println!("{:<24} {:>36}", "ns", "min/median/max");
    for ((name, ..), figures) in rows.iter().zip(&mut figures) {
        println!("{name:<24} {:>36}", spread(figures));
    }
    let share = 100.0 * figures[2][0] / figures[0][0];
    println!("everything but the signature: {share:.2} % of the signature (goal: at most {GOAL:.0} %)");
}

/// Signs in no time: what is left is everything but the signature.
struct FixedSigner;

impl Signer for FixedSigner {
    fn sign(&self, _: &[u8], _: Instant) -> Result<Vec<u8>, Error> {
        Ok(vec![0x5a; 256])
    }
}

/// The throw-away key as ring takes it, with nothing of the crate around it.
fn throw_away_pair() -> RsaKeyPair {
    let file: serde_json::Value = serde_json::from_str(THROW_AWAY_KEY_JSON).expect("the shipped key is JSON");
    let pem = file["private_key"].as_str().expect("the shipped key holds a PEM text");
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = BASE64_STANDARD.decode(body).expect("the shipped key is base64");
    RsaKeyPair::from_pkcs8(&der).expect("the shipped key is PKCS#8")
}

/// Nanoseconds per call.
fn time(calls: u32, call: &dyn Fn()) -> f64 {
    let begin = Instant::now();
    for _ in 0..calls {
        call();
    }
    begin.elapsed().as_nanos() as f64 / f64::from(calls)
}

fn spread(figures: &mut [f64]) -> String {
    figures.sort_by(f64::total_cmp);
    format!("{:.0} / {:.0} / {:.0}", figures[0], figures[figures.len() / 2], figures[figures.len() - 1])
}
