//! What a library must do to take part, and who does.

use crate::server::Server;
use crate::{Result, key, ours, peers, versions};
use std::error::Error;
use std::fmt::Display;

/// The scope that everyone asks for.
pub const SCOPE: &str = "https://www.googleapis.com/auth/analytics.readonly";

/// A library with one source of tokens, shared by all threads.
pub trait Library: Sync {
    /// Asks for a token: from the token server when none is held.
    fn token(&self) -> Result<String>;

    /// Asks `count` times in a row on this thread and drops what comes back. A token is held.
    fn hits(&self, count: u32);

    /// Lets `callers` ask at the same time.
    fn all_at_once(&self, callers: usize) -> Result<()>;
}

/// One who takes part.
pub struct Entry {
    /// The package, as in `Cargo.lock`.
    pub name: &'static str,
    /// What is timed.
    pub call: &'static str,
    /// Makes a new source that holds no token.
    pub open: fn(&Track) -> Result<Box<dyn Library>>,
    /// Whether an expired token is replaced when someone asks, and not at the next turn of a background task.
    pub renews_on_demand: bool,
}

impl Entry {
    /// Why there is no figure for this one.
    pub fn failed(&self, why: &dyn Display) -> Box<dyn Error + Send + Sync> {
        format!("{} did not run: {why}", versions::with_version(self.name)).into()
    }
}

/// Ours first, then the peers.
pub const ENTRIES: [Entry; 5] = {
    let [a, b, c, d] = peers::ALL;
    [ours::ENTRY, a, b, c, d]
};

/// What all libraries share: the token server and a key file.
pub struct Track {
    pub server: Server,
    /// A service account's key file whose `token_uri` is the token server's.
    pub key_file: String,
}

impl Track {
    pub fn lay() -> Result<Self> {
        // Before any library looks for one: google-cloud-auth and ureq take the process's TLS provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = Server::start()?;
        let key_file = key::throw_away(server.url())?;
        Ok(Self { server, key_file })
    }
}
