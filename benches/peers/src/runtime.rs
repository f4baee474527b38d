//! Where callers run: async ones in tokio runtimes, blocking ones in threads.

use crate::Result;
use std::error::Error;
use std::future::Future;
use std::sync::{Arc, Barrier, LazyLock};
use std::thread;
use tokio::runtime::{Builder, Runtime};

/// Does the network's work and holds background tasks; nothing is timed in it.
static HOME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(8).enable_all().build().expect("threads can be started")
});

thread_local! {
    /// Runs one future of this thread. It has no drivers: a hit needs neither network nor timer, and polling
    /// them would cost the peers system calls.
    static OWN: Runtime = Builder::new_current_thread().build().expect("a runtime without drivers");
}

/// Runs `future` where there are network and timers.
pub fn at_home<F: Future>(future: F) -> F::Output {
    HOME.block_on(future)
}

/// Runs `future` on this thread alone.
pub fn on_this_thread<F: Future>(future: F) -> F::Output {
    OWN.with(|own| own.block_on(future))
}

/// Starts `callers` tasks that make their call at the same time.
pub fn tasks_at_once<F, T, E>(callers: usize, call: impl Fn() -> F) -> Result<()>
where
    F: Future<Output = std::result::Result<T, E>> + Send + 'static,
    T: Send,
    E: Error + Send + Sync + 'static,
{
    let barrier = Arc::new(tokio::sync::Barrier::new(callers));
    at_home(async {
        let tasks: Vec<_> = (0..callers)
            .map(|_| {
                let (barrier, call) = (Arc::clone(&barrier), call());
                tokio::spawn(async move {
                    barrier.wait().await;
                    call.await.map(drop)
                })
            })
            .collect();
        for task in tasks {
            task.await??;
        }
        Ok(())
    })
}

/// Starts `callers` threads that make their call at the same time.
pub fn threads_at_once<T>(callers: usize, call: impl Fn() -> Result<T> + Sync) -> Result<()> {
    let barrier = Barrier::new(callers);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..callers)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    call().map(drop)
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("a caller does not panic"))
    })
}
