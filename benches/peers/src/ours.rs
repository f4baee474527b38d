//! `shortway`, the crate itself: blocking, so callers are threads.

use crate::Result;
use crate::race::{Entry, Library, SCOPE, Track};
use crate::runtime::threads_at_once;
use shortway::{ServiceAccountKey, TokenSource, Tokens};
use std::hint::black_box;

pub const ENTRY: Entry =
    Entry { name: "shortway", call: "shortway: token()", open: Ours::open, renews_on_demand: true };

struct Ours(Tokens);

impl Ours {
    fn open(track: &Track) -> Result<Box<dyn Library>> {
        let key = ServiceAccountKey::from_json(&track.key_file)?;
        let source = shortway::service_account(key, [SCOPE]).token_endpoint(track.server.url()).build()?;
        Ok(Box::new(Self(source)))
    }
}

impl Library for Ours {
    fn token(&self) -> Result<String> {
        Ok(self.0.token()?.expose_secret().to_owned())
    }

    fn hits(&self, count: u32) {
        for _ in 0..count {
            black_box(self.0.token().expect("a token is held"));
        }
    }

    fn all_at_once(&self, callers: usize) -> Result<()> {
        threads_at_once(callers, || self.token())
    }
}
