//! tame-oauth: no runtime and no HTTP; a `RwLock` around a list of tokens. ureq sends its requests here.

use crate::Result;
use crate::race::{Entry, Library, SCOPE, Track};
use crate::runtime::threads_at_once;
use std::hint::black_box;
use tame_oauth::gcp::{ServiceAccountInfo, ServiceAccountProvider, TokenOrRequest, TokenProvider};

pub const ENTRY: Entry = Entry {
    name: "tame-oauth",
    call: "tame-oauth: get_token()",
    open: TameOauth::open,
    renews_on_demand: true,
};

struct TameOauth {
    source: ServiceAccountProvider,
    agent: ureq::Agent,
}

impl TameOauth {
    fn open(track: &Track) -> Result<Box<dyn Library>> {
        let source = ServiceAccountProvider::new(ServiceAccountInfo::deserialize(&track.key_file)?)?;
        Ok(Box::new(Self { source, agent: ureq::Agent::new_with_defaults() }))
    }
}

impl Library for TameOauth {
    fn token(&self) -> Result<String> {
        match self.source.get_token(&[SCOPE])? {
            TokenOrRequest::Token(token) => Ok(token.access_token),
            TokenOrRequest::Request { request, scope_hash, .. } => {
                let (parts, mut body) = self.agent.run(request)?.into_parts();
                let response = ureq::http::Response::from_parts(parts, body.read_to_vec()?);
                Ok(self.source.parse_token_response(scope_hash, response)?.access_token)
            }
        }
    }

    fn hits(&self, count: u32) {
        for _ in 0..count {
            let answer = self.source.get_token(&[SCOPE]).expect("its lock is whole");
            assert!(matches!(black_box(answer), TokenOrRequest::Token(_)), "a token is held");
        }
    }

    fn all_at_once(&self, callers: usize) -> Result<()> {
        threads_at_once(callers, || self.token())
    }
}
