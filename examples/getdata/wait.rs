//! Says on stderr what a slow run waits for: a job may start before its network.
//!
//! The crate repeats failed attempts until its deadline. A transport around the real one keeps the last
//! failure, so that the note can tell why the run waits.

use crate::say;
use shortway::Error;
use shortway::http::{Request, RequestBody, Response, ResponseBody, Timeouts, Transport, UreqTransport};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// After how long without a token or a report the note is printed: 3 s. Most reports take less than one.
const PATIENCE: Duration = Duration::from_secs(3);

/// Sends requests as [`UreqTransport`] does, and keeps why the last one failed. Clones share the failure,
/// not the connections.
#[derive(Clone, Default)]
pub(crate) struct Watched {
    transport: UreqTransport,
    failure: Arc<Mutex<Option<String>>>,
}

impl Watched {
    /// The same with connections of its own.
    pub(crate) fn apart(&self) -> Self {
        Self { transport: UreqTransport::new(), failure: Arc::clone(&self.failure) }
    }

    fn keep(&self, failure: Option<String>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    fn last(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes the call that gets `what`, and says once that it has not come if that takes long.
    pub(crate) fn announced<T>(&self, what: &'static str, call: impl FnOnce() -> T) -> T {
        self.keep(None);
        let watched = self.clone();
        let (end, ended) = mpsc::channel::<()>();
        let watcher = thread::Builder::new().spawn(move || {
            if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let reason = watched.last().map(|failure| format!(": {failure}")).unwrap_or_default();
                let seconds = PATIENCE.as_secs();
                say("note", format!("no {what} after {seconds} s, still waiting for it{reason}"));
            }
        });
        let result = call();
        drop(end);
        // The note stands before all that is said next. Without a thread there is none.
        let _ = watcher.map(thread::JoinHandle::join);
        result
    }
}

impl Transport for Watched {
    fn send(
        &self,
        request: Request<RequestBody<'_>>,
        timeouts: Timeouts,
    ) -> Result<Response<ResponseBody>, Error> {
        let result = self.transport.send(request, timeouts);
        match &result {
            Err(error) => self.keep(Some(error.message().to_owned())),
            Ok(response) if response.status().is_server_error() => {
                self.keep(Some(format!(
                    "the server answers with HTTP status {}",
                    response.status().as_u16()
                )));
            }
            Ok(_) => self.keep(None),
        }
        result
    }
}
