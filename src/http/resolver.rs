//! Resolves host names: one thread for each name that is being looked up, however many requests wait for it.
//!
//! The system's look-up blocks and cannot be stopped, so it runs in a thread, and every request waits for it
//! only as long as its own time limit says. ureq's own resolver starts a thread for each request, which a
//! silent name server turns into thousands. Nothing is cached: an answer goes to the requests that wait for
//! it, and is forgotten.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Instant;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// How many look-ups are made at once: 16. A program calls a handful of hosts.
const MAX_LOOK_UPS: usize = 16;

/// How many addresses of a host are tried: 16, all that ureq has room for. Each has half the time of the one
/// before it, so that the first ones matter.
const MAX_ADDRESSES: usize = 16;

/// A name that was not resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unresolved {
    pub(super) host: String,
    pub(super) why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// There is no such name, or no name server answers for it.
    NotFound,
    /// The time limit passed.
    Slow,
    /// The system gives this process no further thread.
    NoThread,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot resolve {}", self.host)
    }
}

impl std::error::Error for Unresolved {}

type LookUp = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// How a look-up ended; empty while it is under way.
type Outcome = OnceLock<Result<Vec<SocketAddr>, Why>>;

/// A host and a port: what is looked up.
type Key = (String, u16);

/// The look-ups under way.
pub(super) struct LookUps {
    table: Arc<Table>,
    look_up: Arc<LookUp>,
}

#[derive(Default)]
struct Table {
    pending: Mutex<HashMap<Key, Arc<Outcome>>>,
    /// A look-up has ended.
    ended: Condvar,
}

impl LookUps {
    /// By the system's resolver.
    pub(super) fn new() -> Self {
        Self::by(|host, port| Ok((host, port).to_socket_addrs()?.collect()))
    }

    fn by(look_up: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static) -> Self {
        Self { table: Arc::default(), look_up: Arc::new(look_up) }
    }

    /// The addresses of `host`, by `deadline` (`None`: however long it takes).
    fn addresses(&self, host: &str, port: u16, deadline: Option<Instant>) -> Result<Vec<SocketAddr>, Why> {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(vec![(ip, port).into()]);
        }
        let key = (host.to_owned(), port);
        let mut pending = self.table.lock();
        let outcome = loop {
            match pending.get(&key) {
                Some(under_way) => break Arc::clone(under_way),
                None if pending.len() < MAX_LOOK_UPS => {
                    let outcome = Arc::new(Outcome::new());
                    pending.insert(key.clone(), Arc::clone(&outcome));
                    drop(pending);
                    self.start(key, Arc::clone(&outcome));
                    pending = self.table.lock();
                    break outcome;
                }
                None => pending = self.table.wait(pending, deadline)?,
            }
        };
        loop {
            if let Some(outcome) = outcome.get() {
                return outcome.clone();
            }
            pending = self.table.wait(pending, deadline)?;
        }
    }

    /// Starts a thread for one look-up.
    fn start(&self, key: Key, outcome: Arc<Outcome>) {
        let table = Arc::clone(&self.table);
        let mut ending = Ending { table, key, outcome, found: Err(Why::NoThread) };
        let look_up = Arc::clone(&self.look_up);
        let run = move || {
            // Stays if the look-up panics.
            ending.found = Err(Why::NotFound);
            let (host, port) = &ending.key;
            ending.found = look_up(host, *port).map_err(|_| Why::NotFound);
        };
        // Without a thread the closure is dropped, and the ending with it.
        let _ = thread::Builder::new().name("name look-up".into()).spawn(run);
    }
}

/// Tells every waiting request how a look-up ended, when it is dropped: at the end of the thread, after a
/// panic too.
struct Ending {
    table: Arc<Table>,
    key: Key,
    outcome: Arc<Outcome>,
    found: Result<Vec<SocketAddr>, Why>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let mut pending = self.table.lock();
        let _ = self.outcome.set(self.found.clone());
        pending.remove(&self.key);
        drop(pending);
        self.table.ended.notify_all();
    }
}

impl Table {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<Outcome>>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the end of a look-up.
    fn wait<'a>(
        &self,
        pending: MutexGuard<'a, HashMap<Key, Arc<Outcome>>>,
        deadline: Option<Instant>,
    ) -> Result<MutexGuard<'a, HashMap<Key, Arc<Outcome>>>, Why> {
        let Some(deadline) = deadline else {
            return Ok(self.ended.wait(pending).unwrap_or_else(PoisonError::into_inner));
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Why::Slow);
        }
        Ok(self.ended.wait_timeout(pending, left).unwrap_or_else(PoisonError::into_inner).0)
    }
}

impl fmt::Debug for LookUps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LookUps").finish_non_exhaustive()
    }
}

impl Resolver for LookUps {
    fn resolve(
        &self,
        uri: &Uri,
        _: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        // `Instant` has no room for time limits of centuries: those are none.
        let deadline = match timeout.after.is_not_happening() {
            true => None,
            false => Instant::now().checked_add(*timeout.after),
        };
        let unresolved = |why| ureq::Error::Other(Box::new(Unresolved { host: host.to_owned(), why }));
        let found = self.addresses(host, port, deadline).map_err(|why| match (why, timeout.reason) {
            (Why::Slow, ureq::Timeout::Global) => ureq::Error::Timeout(ureq::Timeout::Global),
            _ => unresolved(why),
        })?;
        let mut addresses = self.empty();
        alternating(found).take(MAX_ADDRESSES).for_each(|address| addresses.push(address));
        if addresses.is_empty() { Err(unresolved(Why::NotFound)) } else { Ok(addresses) }
    }
}

/// The addresses in their order, both families alternately (RFC 8305 §4): a network without a route for
/// one of them costs one failed attempt, not many.
fn alternating(found: Vec<SocketAddr>) -> impl Iterator<Item = SocketAddr> {
    let first_is_ipv6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|address| address.is_ipv6() == first_is_ipv6);
    let longest = first.len().max(second.len());
    (0..longest).flat_map(move |i| [first.get(i).copied(), second.get(i).copied()]).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    /// A resolver that hangs until it is let go, and how many look-ups were begun.
    fn hanging() -> (LookUps, Arc<AtomicUsize>, Arc<Mutex<()>>) {
        let (begun, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(())));
        let (count, closed) = (Arc::clone(&begun), Arc::clone(&gate));
        let look_ups = LookUps::by(move |_, port| {
            count.fetch_add(1, Ordering::SeqCst);
            drop(closed.lock());
            Ok(vec![([127, 0, 0, 1], port).into()])
        });
        (look_ups, begun, gate)
    }

    fn soon() -> Option<Instant> {
        Some(Instant::now() + Duration::from_millis(5))
    }

    #[test]
    fn eighty_requests_for_a_name_that_hangs_cost_one_thread() {
        let (look_ups, begun, gate) = hanging();
        let closed = gate.lock().expect("the gate");
        for _ in 0..80 {
            assert_eq!(look_ups.addresses("oauth2.googleapis.com", 443, soon()), Err(Why::Slow));
        }
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        drop(closed);
        let addresses = look_ups.addresses("oauth2.googleapis.com", 443, None).expect("let go");
        assert_eq!(addresses, [SocketAddr::from(([127, 0, 0, 1], 443))]);
    }

    #[test]
    fn answer_is_not_kept_for_the_next_request() {
        let (look_ups, begun, _) = hanging();
        for number in 1..=3 {
            look_ups.addresses("a.example", 443, None).expect("resolved");
            assert_eq!(begun.load(Ordering::SeqCst), number);
        }
    }

    #[test]
    fn names_that_hang_leave_a_bounded_number_of_threads() {
        let (look_ups, begun, gate) = hanging();
        let closed = gate.lock().expect("the gate");
        for number in 0..50 {
            let name = format!("host-{number}.example");
            assert_eq!(look_ups.addresses(&name, 443, soon()), Err(Why::Slow));
        }
        assert!(begun.load(Ordering::SeqCst) <= MAX_LOOK_UPS);
        drop(closed);
        look_ups.addresses("another.example", 443, None).expect("there is room again");
    }

    #[test]
    fn look_up_that_panics_or_fails_ends_for_all() {
        let look_ups = LookUps::by(|host, _| match host {
            // Quietly: as a panic would, without its message.
            "panics.example" => std::panic::resume_unwind(Box::new("a panic")),
            _ => Err(io::ErrorKind::NotFound.into()),
        });
        for name in ["panics.example", "fails.example"] {
            assert_eq!(look_ups.addresses(name, 443, None), Err(Why::NotFound), "{name}");
        }
    }

    #[test]
    fn addresses_need_no_thread() {
        let look_ups = LookUps::by(|_, _| unreachable!("an address is not looked up"));
        for (host, address) in [("127.0.0.1", "127.0.0.1:443"), ("[::1]", "[::1]:443")] {
            let expected: SocketAddr = address.parse().expect("an address");
            assert_eq!(look_ups.addresses(host, 443, None), Ok(vec![expected]));
        }
    }

    #[test]
    fn address_families_take_turns() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let found = ["[2001:db8::1]:443", "[2001:db8::2]:443", "192.0.2.1:443", "192.0.2.2:443"].map(address);
        let order: Vec<SocketAddr> = alternating(found.to_vec()).collect();
        assert_eq!(order, [found[0], found[2], found[1], found[3]]);
        assert_eq!(alternating(found[2..].to_vec()).collect::<Vec<_>>(), found[2..]);
    }
}
