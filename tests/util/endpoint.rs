//! An HTTP endpoint on loopback: keeps what it received, answers what it was told.
#![allow(dead_code, unreachable_pub, reason = "each program that takes this file in uses a part")]

use super::server::{Act, Server};
pub use super::server::{Answer, Received};
use std::sync::Arc;

/// Listens on loopback; a closure answers each request with a status, headers and a body.
pub struct Endpoint {
    pub url: String,
    server: Server,
}

impl Endpoint {
    pub fn start(answer: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0", answer)
    }

    /// The same at this address.
    pub fn start_at(address: &str, answer: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        let acts = vec![Act::Answer(Arc::new(answer))];
        let server = Server::start_at(address, move |_| acts.clone(), Vec::new());
        Self { url: format!("http://{}", server.address), server }
    }

    /// Looks at the head of each request first: `decide` may refuse it before its body is read.
    pub fn deciding(
        decide: impl Fn(&Received) -> Option<Answer> + Send + Sync + 'static,
        answer: impl Fn(&Received) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let acts = vec![Act::Decide(Arc::new(decide), Arc::new(answer))];
        let server = Server::start(move |_| acts.clone(), Vec::new());
        Self { url: format!("http://{}", server.address), server }
    }

    /// The same answer to every request.
    pub fn always(status: u16, body: &str) -> Self {
        let body = body.to_owned();
        Self::start(move |_| {
            (status, vec![("Content-Type", "application/json".into())], body.clone().into_bytes())
        })
    }

    /// How many connections were made to it.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.server.connections()
    }

    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.server.received()
    }
}
