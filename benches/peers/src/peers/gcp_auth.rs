//! gcp_auth: async; a tokio `RwLock` around a map from lists of scopes to `Arc<Token>`.

use crate::Result;
use crate::race::{Entry, Library, SCOPE, Track};
use crate::runtime::{at_home, on_this_thread, tasks_at_once};
use gcp_auth::{CustomServiceAccount, TokenProvider};
use std::hint::black_box;
use std::sync::Arc;

pub const ENTRY: Entry =
    Entry { name: "gcp_auth", call: "gcp_auth: token()", open: GcpAuth::open, renews_on_demand: true };

struct GcpAuth(Arc<CustomServiceAccount>);

impl GcpAuth {
    fn open(track: &Track) -> Result<Box<dyn Library>> {
        Ok(Box::new(Self(Arc::new(CustomServiceAccount::from_json(&track.key_file)?))))
    }
}

impl Library for GcpAuth {
    fn token(&self) -> Result<String> {
        Ok(at_home(self.0.token(&[SCOPE]))?.as_str().to_owned())
    }

    fn hits(&self, count: u32) {
        on_this_thread(async {
            for _ in 0..count {
                black_box(self.0.token(&[SCOPE]).await.expect("a token is held"));
            }
        });
    }

    fn all_at_once(&self, callers: usize) -> Result<()> {
        tasks_at_once(callers, || {
            let source = Arc::clone(&self.0);
            async move { source.token(&[SCOPE]).await }
        })
    }
}
