//! google-cloud-auth: async; a background task puts tokens into a tokio `watch` channel.
//!
//! Its service accounts sign a JWT and send that, with no exchange, so there would be nothing to count and no
//! way to hand it a token of the right length. User credentials keep their tokens in the same cache and do
//! make exchanges.

use crate::Result;
use crate::race::{Entry, Library, SCOPE, Track};
use crate::runtime::{at_home, on_this_thread, tasks_at_once};
use google_cloud_auth::credentials::{AccessTokenCredentials, user_account};
use std::hint::black_box;

pub const ENTRY: Entry = Entry {
    name: "google-cloud-auth",
    call: "google-cloud-auth: access_token()",
    open: GoogleCloudAuth::open,
    renews_on_demand: false, // its task looks every 10 s at a token that ends soon
};

struct GoogleCloudAuth(AccessTokenCredentials);

impl GoogleCloudAuth {
    fn open(track: &Track) -> Result<Box<dyn Library>> {
        let user = serde_json::json!({
            "type": "authorized_user",
            "client_id": "client",
            "client_secret": "secret",
            "refresh_token": "refresh",
        });
        let builder =
            user_account::Builder::new(user).with_token_uri(track.server.url()).with_scopes([SCOPE]);
        // Building starts the task, which needs a runtime.
        Ok(Box::new(Self(at_home(async { builder.build_access_token_credentials() })?)))
    }
}

impl Library for GoogleCloudAuth {
    fn token(&self) -> Result<String> {
        Ok(at_home(self.0.access_token())?.token)
    }

    fn hits(&self, count: u32) {
        on_this_thread(async {
            for _ in 0..count {
                black_box(self.0.access_token().await.expect("a token is held"));
            }
        });
    }

    fn all_at_once(&self, callers: usize) -> Result<()> {
        tasks_at_once(callers, || {
            let source = self.0.clone();
            async move { source.access_token().await }
        })
    }
}
