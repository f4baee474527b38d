//! The agent of a transport, made anew where its connections must not be used any more.
//!
//! Two things make an agent unusable. A panic in it may leave its pool locked. And after `fork` a child has a
//! copy of every open connection: two processes that speak on one connection get each other's responses, and
//! over TLS they encrypt with the same keys. So the process id is remembered beside the agent.

use super::connection::Marking;
use super::resolver::LookUps;
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

/// An agent, and how to make another.
pub(super) struct Agents {
    made: Mutex<Made>,
    /// The roots of an agent of our own; a caller's agent cannot be made again.
    roots: Option<RootCerts>,
}

struct Made {
    agent: Agent,
    /// The process that made it.
    process: u32,
}

/// An agent for one request.
pub(super) struct Lent {
    pub(super) agent: Agent,
    /// Whether its idle connections are this process's own.
    pub(super) may_reuse: bool,
}

impl Agents {
    /// Agents of our own, with `roots`.
    pub(super) fn with_roots(roots: RootCerts) -> Self {
        Self::starting_with(new_agent(&roots), Some(roots), process::id())
    }

    /// The agent of a caller.
    pub(super) fn of_caller(agent: Agent) -> Self {
        Self::starting_with(agent, None, process::id())
    }

    pub(super) fn starting_with(agent: Agent, roots: Option<RootCerts>, process: u32) -> Self {
        Self { made: Mutex::new(Made { agent, process }), roots }
    }

    pub(super) fn lend(&self) -> Lent {
        let process = process::id();
        let mut made = self.lock();
        if made.process != process
            && let Some(roots) = &self.roots
        {
            // The look-ups under way run in threads of the parent; a new agent has its own.
            *made = Made { agent: new_agent(roots), process };
        }
        Lent { agent: made.agent.clone(), may_reuse: made.process == process }
    }

    /// Makes the agent anew, after a panic in it.
    pub(super) fn replace(&self) {
        if let Some(roots) = &self.roots {
            self.lock().agent = new_agent(roots);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn new_agent(roots: &RootCerts) -> Agent {
    let tls = TlsConfig::builder().root_certs(roots.clone()).build();
    // The environment's proxy is set per request.
    let config = Agent::config_builder().tls_config(tls).proxy(None).build();
    Agent::with_parts(config, Marking::default(), LookUps::new())
}
