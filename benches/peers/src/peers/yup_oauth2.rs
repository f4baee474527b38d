//! yup-oauth2: async; a tokio `Mutex` around a map from hashes of scopes to tokens.

use crate::Result;
use crate::race::{Entry, Library, SCOPE, Track};
use crate::runtime::{at_home, on_this_thread, tasks_at_once};
use std::hint::black_box;
use std::sync::Arc;
use yup_oauth2::authenticator::DefaultAuthenticator;
use yup_oauth2::{ServiceAccountAuthenticator, parse_service_account_key};

pub const ENTRY: Entry =
    Entry { name: "yup-oauth2", call: "yup-oauth2: token()", open: YupOauth2::open, renews_on_demand: true };

struct YupOauth2(Arc<DefaultAuthenticator>);

impl YupOauth2 {
    fn open(track: &Track) -> Result<Box<dyn Library>> {
        let key = parse_service_account_key(&track.key_file)?;
        let source = at_home(ServiceAccountAuthenticator::builder(key).build())?;
        Ok(Box::new(Self(Arc::new(source))))
    }
}

impl Library for YupOauth2 {
    fn token(&self) -> Result<String> {
        let token = at_home(self.0.token(&[SCOPE]))?;
        Ok(token.token().ok_or("it has no access token")?.to_owned())
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
