//! What a place for tokens has to offer: text by key, and a lock if it can.

use crate::error::Error;
use crate::secret::Secret;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A place that keeps tokens for longer than a process lives: a file, Redis, a keyring.
///
/// It keeps text by key and understands neither: [`Stored`](crate::Stored) makes the text, and believes what
/// comes back only after it has checked format, identity and expiry. A store cannot return the token of
/// another account by mistake.
///
/// A key is 64 hexadecimal digits, the SHA-256 of what the token stands for. An entry is one line of JSON of
/// at most 16 KiB. It holds a token: keep it where nobody else can read it.
///
/// Every method gets the time that it has, `left`, up to 2 s. A store that needs longer is not waited for
/// again in this call. An error is counted and told by [`StoreStatus`](crate::StoreStatus); it fails no call.
///
/// ```
/// use shortway::{Error, Secret, TokenStore};
/// use std::collections::BTreeMap;
/// use std::sync::Mutex;
/// use std::time::{Duration, SystemTime};
///
/// /// Keeps tokens in memory.
/// #[derive(Default)]
/// struct Memory(Mutex<BTreeMap<String, String>>);
///
/// impl TokenStore for Memory {
///     fn load(&self, key: &str, _left: Duration) -> Result<Option<Secret>, Error> {
///         Ok(self.0.lock().unwrap().get(key).cloned().map(Secret::new))
///     }
///     fn save(&self, key: &str, entry: &Secret, _: SystemTime, _left: Duration) -> Result<(), Error> {
///         self.0.lock().unwrap().insert(key.to_owned(), entry.expose_secret().to_owned());
///         Ok(())
///     }
///     fn remove(&self, key: &str, _left: Duration) -> Result<(), Error> {
///         self.0.lock().unwrap().remove(key);
///         Ok(())
///     }
/// }
/// ```
pub trait TokenStore: Send + Sync {
    /// The entry of `key`, if there is one.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) when the store cannot be read. An entry that is not
    /// there is no error.
    fn load(&self, key: &str, left: Duration) -> Result<Option<Secret>, Error>;

    /// Keeps `entry` under `key` in place of what was there, whole or not at all. It is of no use after
    /// `expires_at` and may be dropped then.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) when the entry is not kept.
    fn save(&self, key: &str, entry: &Secret, expires_at: SystemTime, left: Duration) -> Result<(), Error>;

    /// Drops the entry of `key`, if there is one.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) when the entry may still be there.
    fn remove(&self, key: &str, left: Duration) -> Result<(), Error>;

    /// Tries once, without waiting, to become the one process that requests the token of `key`. `Stored`
    /// tries again for up to 2 s. By default a store has no lock: then processes that start at the same time
    /// request a token each.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) when the lock cannot be used. The token is then
    /// requested and not saved.
    fn try_lock(&self, key: &str, left: Duration) -> Result<StoreLock<'_>, Error> {
        let (_, _) = (key, left);
        Ok(StoreLock::None)
    }
}

/// How an attempt to lock a [`TokenStore`] ended.
#[derive(Debug)]
pub enum StoreLock<'a> {
    /// There are no locks. The token is requested and saved.
    None,
    /// Another process, or another thread of this one, holds the lock.
    Busy,
    /// This caller holds the lock.
    Held(HeldLock<'a>),
}

impl<'a> StoreLock<'a> {
    /// The lock is held until `release` is called: once, with the time that it may take, also after a panic.
    pub fn held(release: impl FnOnce(Duration) + 'a) -> Self {
        Self::Held(HeldLock(Some(Box::new(release))))
    }
}

/// A lock that this caller holds. Dropping it releases it.
pub struct HeldLock<'a>(Option<Box<dyn FnOnce(Duration) + 'a>>);

/// How long a release may take that nobody has set a time for: 50 ms.
const RELEASE: Duration = Duration::from_millis(50);

impl HeldLock<'_> {
    /// Releases the lock within `left`, at least 50 ms: what is not released holds up all others.
    pub(super) fn release(mut self, left: Duration) {
        if let Some(release) = self.0.take() {
            release(left.max(RELEASE));
        }
    }
}

impl Drop for HeldLock<'_> {
    fn drop(&mut self) {
        if let Some(release) = self.0.take() {
            release(RELEASE);
        }
    }
}

impl fmt::Debug for HeldLock<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeldLock")
    }
}

impl<T: TokenStore + ?Sized> TokenStore for Box<T> {
    fn load(&self, key: &str, left: Duration) -> Result<Option<Secret>, Error> {
        (**self).load(key, left)
    }
    fn save(&self, key: &str, entry: &Secret, expires_at: SystemTime, left: Duration) -> Result<(), Error> {
        (**self).save(key, entry, expires_at, left)
    }
    fn remove(&self, key: &str, left: Duration) -> Result<(), Error> {
        (**self).remove(key, left)
    }
    fn try_lock(&self, key: &str, left: Duration) -> Result<StoreLock<'_>, Error> {
        (**self).try_lock(key, left)
    }
}

impl<T: TokenStore + ?Sized> TokenStore for Arc<T> {
    fn load(&self, key: &str, left: Duration) -> Result<Option<Secret>, Error> {
        (**self).load(key, left)
    }
    fn save(&self, key: &str, entry: &Secret, expires_at: SystemTime, left: Duration) -> Result<(), Error> {
        (**self).save(key, entry, expires_at, left)
    }
    fn remove(&self, key: &str, left: Duration) -> Result<(), Error> {
        (**self).remove(key, left)
    }
    fn try_lock(&self, key: &str, left: Duration) -> Result<StoreLock<'_>, Error> {
        (**self).try_lock(key, left)
    }
}
