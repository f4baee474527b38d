//! A [`TokenStore`] on Redis: processes on any number of machines share one token, and one of them requests it.

use redis::{Client, Connection, IntoConnectionInfo};
use shortway::{Error, ErrorKind, Secret, StoreLock, TokenStore};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// Tokens in Redis, under keys that begin with `shortway:`.
///
/// Whoever can read this Redis can use the tokens until they expire: give it a password, and TLS or a network of
/// its own. Each call makes a connection, so a server that was started again is used at once.
pub struct RedisStore(Client);

/// How long the lock is held at most: 10 s. A process that is killed while it requests a token holds up the
/// others no longer than that. One that needs longer loses the lock, and another requests a token too.
const LEASE: Duration = Duration::from_secs(10);

/// Removes the lock of its owner, and no other's.
const RELEASE: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end";

impl RedisStore {
    /// The store at `url`: `redis://[user:password@]host[:port]/[database]`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it is not such a URL.
    pub fn at(url: &str) -> Result<Self, Error> {
        let client = url.into_connection_info().and_then(|info| {
            // It would wait for an answer to each of two commands that say its name.
            let settings = info.redis_settings().clone().set_skip_set_lib_name();
            Client::open(info.set_redis_settings(settings))
        });
        let client = client.map_err(|_| {
            // What the client says may hold the password.
            Error::new(ErrorKind::Config, "the address of Redis is not a URL of Redis")
                .with_hint("it looks like redis://127.0.0.1:6379/")
        })?;
        Ok(Self(client))
    }

    /// Runs `command` on a connection of its own, all within `left`.
    fn run<T>(
        &self,
        left: Duration,
        command: impl FnOnce(&mut Connection) -> redis::RedisResult<T>,
    ) -> Result<T, Error> {
        let start = Instant::now();
        // With a password and a database, the client waits for two answers, so long for each.
        let result = self.0.get_connection_with_timeout(left / 2).and_then(|mut connection| {
            // A time of zero would mean none.
            let rest = Some(left.saturating_sub(start.elapsed()).max(Duration::from_millis(1)));
            connection.set_read_timeout(rest)?;
            connection.set_write_timeout(rest)?;
            command(&mut connection)
        });
        result.map_err(|error| {
            Error::new(ErrorKind::Store, format!("cannot use the token store in Redis: {}", error.category()))
                .with_source(error)
        })
    }
}

impl TokenStore for RedisStore {
    fn load(&self, key: &str, left: Duration) -> Result<Option<Secret>, Error> {
        let entry: Option<String> = self.run(left, |redis| redis::cmd("GET").arg(entry(key)).query(redis))?;
        Ok(entry.map(Secret::new))
    }

    fn save(&self, key: &str, text: &Secret, expires_at: SystemTime, left: Duration) -> Result<(), Error> {
        let life = expires_at.duration_since(SystemTime::now()).unwrap_or_default().as_millis().max(1) as u64;
        let mut set = redis::cmd("SET");
        set.arg(entry(key)).arg(text.expose_secret()).arg("PX").arg(life);
        self.run(left, |redis| set.query(redis))
    }

    fn remove(&self, key: &str, left: Duration) -> Result<(), Error> {
        self.run(left, |redis| redis::cmd("DEL").arg(entry(key)).query(redis))
    }

    /// The lock is a lease: it ends by itself, and only its owner removes it.
    fn try_lock(&self, key: &str, left: Duration) -> Result<StoreLock<'_>, Error> {
        let (lock, owner) = (format!("{}:lock", entry(key)), owner());
        let mut set = redis::cmd("SET");
        set.arg(&lock).arg(&owner).arg("NX").arg("PX").arg(LEASE.as_millis() as u64);
        let set: Option<String> = self.run(left, |redis| set.query(redis))?;
        if set.is_none() {
            return Ok(StoreLock::Busy);
        }
        Ok(StoreLock::held(move |left| {
            let mut release = redis::cmd("EVAL");
            release.arg(RELEASE).arg(1).arg(&lock).arg(&owner);
            // What is not released ends with the lease.
            let _ = self.run(left, |redis| release.query::<()>(redis));
        }))
    }
}

fn entry(key: &str) -> String {
    format!("shortway:{key}")
}

/// A name that no other lock of any machine has.
fn owner() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), now);
    format!("{}-{now}-{random:016x}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
