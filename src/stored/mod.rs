//! Keeps tokens for longer than a process lives, and shares them between processes.
//!
//! In: any [`TokenSource`] with an identity, and a [`TokenStore`]. Out: the same source, which takes the
//! token of another process or of the last run where it can. Under a [`Cached`](crate::Cached) it is called
//! once for each refresh; by itself it keeps nothing in memory.
//!
//! What holds, whatever the store does:
//!
//! 1. **No call fails for the store**, and none takes more than 2 s longer. What the store did not do is
//!    counted, and the first time it is a warning in the log.
//! 2. **A stored token is used only** for exactly the identity that it was made for, while it has more left
//!    than twice the cache's margin. One with more left than the margin is used if no new one can be had.
//! 3. **One exchange for all processes**: whoever holds the lock looks into the store again before it
//!    requests a token, and saves the token before it gives up the lock. While others wait they look into the
//!    store.
//! 4. **A caller without the lock does not save.** Two seconds are the most that it waits.
//! 5. **A refused token is removed**, and no newer one.

mod document;
mod entry;
mod fault;
mod file;
#[cfg(not(unix))]
mod other;
mod status;
mod store;
#[cfg(unix)]
mod unix;
mod visit;

pub use file::FileStore;
pub use status::StoreStatus;
pub use store::{HeldLock, StoreLock, TokenStore};

use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::token::Token;
use crate::token_source::{Ask, Identity, TokenSource};
use status::Counts;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use visit::{Found, Visit};

/// A source whose tokens are kept in a [`TokenStore`].
///
/// The builders put it in its place, under the cache:
///
/// ```no_run
/// use shortway::{FileStore, ServiceAccountKey, TokenSource, scope};
///
/// let key = ServiceAccountKey::from_file("key.json")?;
/// let tokens = shortway::service_account(key, [scope::ANALYTICS_READONLY])
///     .store(FileStore::at("/var/lib/nightly/token.json")?)
///     .build()?;
/// tokens.token()?; // from the file, if the last run or another process has left a token there
/// let status = tokens.source().status();
/// println!("{} from the store, {} requested", status.loaded, status.requested);
/// # Ok::<(), shortway::Error>(())
/// ```
///
/// A source without an [identity](TokenSource::identity), or with one that does not say which account it is,
/// which kind of token and what for, is not stored: every call goes to the source.
pub struct Stored<S> {
    source: S,
    store: Option<Arc<dyn TokenStore>>,
    clock: Arc<dyn Clock>,
    margin: Duration,
    counts: Counts,
}

/// A stored token with less left than this is used only if no new one can be had: 30 s, as in
/// [`CachePolicy::margin`](crate::CachePolicy::margin).
const MARGIN: Duration = Duration::from_secs(30);

impl<S: TokenSource> Stored<S> {
    /// Keeps the tokens of `source` in `store`, with the system's clocks.
    pub fn new(source: S, store: impl TokenStore + 'static) -> Self {
        Self::of(source, Some(Arc::new(store)), Arc::new(SystemClock), MARGIN)
    }

    /// The same without a store: a source that only counts.
    pub(crate) fn of(
        source: S,
        store: Option<Arc<dyn TokenStore>>,
        clock: Arc<dyn Clock>,
        margin: Duration,
    ) -> Self {
        Self { source, store, clock, margin, counts: Counts::default() }
    }

    /// Takes the time from `clock`; by default the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The source inside.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// What came from the store, what was requested, and what went wrong with the store.
    pub fn status(&self) -> StoreStatus {
        self.counts.status()
    }

    /// The dealings with the store of one call; `None` if there is no store, or nothing to find tokens by.
    fn visit<'a>(&'a self, ask: &'a Ask) -> Option<Visit<'a>> {
        let store = self.store.as_deref()?;
        let identity = self.source.identity()?;
        Visit::new(store, identity, ask, (&*self.clock, self.margin), &self.counts)
    }

    /// A token of the source inside.
    fn requested(&self, ask: &Ask) -> Result<Token, Error> {
        let outcome = self.source.token_for(ask);
        if outcome.is_ok() {
            self.counts.requested();
        }
        outcome
    }
}

impl<S: TokenSource> TokenSource for Stored<S> {
    fn token(&self) -> Result<Token, Error> {
        self.token_for(&Ask::new())
    }

    fn token_for(&self, ask: &Ask) -> Result<Token, Error> {
        let Some(mut visit) = self.visit(ask) else { return self.requested(ask) };
        let spare = match visit.look() {
            Found::Take(token) => return Ok(token),
            Found::Spare(token) => Some(token),
            Found::Nothing => None,
        };
        let outcome = self.requested(&visit.ask_with(spare.as_ref()));
        match outcome {
            Ok(token) => {
                // A key that was replaced meanwhile is another identity.
                visit.keep(self.source.identity(), &token);
                Ok(token)
            }
            Err(error) => visit.instead(spare).ok_or(error),
        }
    }

    /// The stored token, if it has more left than the margin; else what the source inside keeps.
    fn kept_token(&self, ask: &Ask) -> Option<Token> {
        let stored = self.visit(ask).and_then(|visit| visit.instead(None));
        stored.or_else(|| self.source.kept_token(ask))
    }

    fn identity(&self) -> Option<Identity> {
        self.source.identity()
    }

    /// Removes this very token from the store, and tells the source inside. If another process is about to
    /// replace it there, nothing is removed.
    fn invalidate(&self, token: &Token) {
        let ask = Ask::new();
        if let Some(mut visit) = self.visit(&ask) {
            visit.remove(token);
        }
        self.source.invalidate(token);
    }
}

impl<S: TokenSource> fmt::Debug for Stored<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("identity", &self.source.identity())
            .field("status", &self.counts.status())
            .finish_non_exhaustive()
    }
}
