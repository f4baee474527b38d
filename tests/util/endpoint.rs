//! An HTTP endpoint on loopback: keeps what it received, answers what it was told.

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
        let server = Server::always(vec![Act::Answer(Arc::new(answer))]);
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
