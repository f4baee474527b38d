//! Tokens in a file that all processes of one user share.
//!
//! In: a path. Out: a [`TokenStore`]. What the file holds is in `document`, system calls are in `unix`; here
//! is their order.

use super::document::{Damage, Document, MAX_FILE};
use super::fault::{Failure, Fault, Step};
#[cfg(not(unix))]
use super::other::{Directory, Purpose, has_no_locks};
use super::store::{StoreLock, TokenStore};
#[cfg(unix)]
use super::unix::{Directory, Purpose, has_no_locks};
use crate::error::{Error, ErrorKind};
use crate::secret::Secret;
use ring::rand::{SecureRandom, SystemRandom};
use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{self, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// A file of tokens. Any number of processes of one user may share it, and any number of sources.
///
/// The file holds access and ID tokens with what they stand for, in JSON, and no private key. Whoever can
/// read it can use the tokens until they expire, for an hour at most.
///
/// - It is made for its owner alone, under any umask; so is its directory, if that does not exist.
/// - It is always whole: a new one is written beside it, made durable (`fsync`), and put in its place in one
///   step, so neither a reader nor a `kill -9` nor a power failure meets half a file. What a killed process
///   left beside it is removed with the next save.
/// - The lock is on a file of its own, the same name with `.lock` at its end, which stays. A process that is
///   killed loses the lock at once; where the file system has no locks, every process saves.
/// - It is not used when it is a link, belongs to another user, is open to others, or holds something else, such
///   as a key: nothing but a store is ever replaced. Then, and when the disk
///   is full or cannot be written to, tokens are kept in memory alone: see
///   [`StoreStatus`](crate::StoreStatus).
///
/// On systems other than Unix it is as private as its directory.
///
/// Where directories are made for this: `STATE_DIRECTORY` of a service of systemd, `$XDG_STATE_HOME` or
/// `~/.local/state` of a user. `/tmp` is emptied, and other users can take the name.
#[derive(Clone, Debug)]
pub struct FileStore {
    path: PathBuf,
    directory: PathBuf,
    name: OsString,
    /// Whether the file system has no locks.
    lockless: Arc<AtomicBool>,
}

/// How old a file that a killed process has left must be before a process without a lock removes it: 10 min.
const STRAY: i64 = 600;

/// How often a lock file that is replaced again and again is opened: 3 times.
const LOOKS: u32 = 3;

impl FileStore {
    /// The store at `path`, which need not exist. A relative path counts from the directory that the program
    /// is in now.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when no file can have the path: it is empty, ends in a
    /// slash or in `..`, or has a NUL in it; and when it begins with `~`. What else is wrong with it shows when it is used, and fails no
    /// call.
    pub fn at(path: impl AsRef<Path>) -> Result<Self, Error> {
        let given = path.as_ref();
        let bytes = given.as_os_str().as_encoded_bytes();
        let is_file = !bytes.contains(&0) && !bytes.ends_with(b"/") && !bytes.ends_with(b"/.");
        let absolute = path::absolute(given).ok().filter(|_| is_file);
        let parts = absolute.as_deref().and_then(|path| Some((path.parent()?, path.file_name()?)));
        let Some((directory, name)) = parts else {
            return Err(Error::new(ErrorKind::Config, "the path of the token store is not one of a file")
                .with_hint("name a file in a directory of the user that runs this program"));
        };
        if given.starts_with("~") {
            let message = "the path of the token store begins with ~, which only a shell replaces";
            return Err(Error::new(ErrorKind::Config, message).with_hint(
                "write the path of the home directory in full, or ./~ for a directory of that name",
            ));
        }
        let (directory, name) = (directory.to_owned(), name.to_owned());
        Ok(Self { path: directory.join(&name), directory, name, lockless: Arc::default() })
    }

    /// The path of the file, absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of the file; none if there is no file.
    fn read(&self, directory: &Directory) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let Some(mut file) = directory.file(&self.name, Purpose::Read)? else { return Ok(Vec::new().into()) };
        let size = file.metadata().map_or(0, |found| found.len()).min(MAX_FILE as u64 + 1);
        // All of the capacity at once, so that it does not grow and leave copies of tokens behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(size as usize + 1));
        (&mut file).take(MAX_FILE as u64 + 1).read_to_end(&mut bytes).map_err(Fault::io(Step::Read))?;
        Ok(bytes)
    }

    fn loaded(&self, key: &str) -> Result<Option<Secret>, Failure> {
        let Some(directory) = Directory::open(&self.directory)? else { return Ok(None) };
        let bytes = self.read(&directory)?;
        let document = Document::parse(&bytes).map_err(Fault::from)?;
        Ok(document.get(key).map(|entry| Secret::new(entry.to_owned())))
    }

    /// Puts a file in place that has `entry` under `key`, or nothing. A store that is damaged counts as empty;
    /// a file that is not to be trusted, or was never a store, stays.
    fn put(&self, key: &str, entry: Option<&str>) -> Result<(), Failure> {
        let directory = Directory::create(&self.directory)?;
        let old = self.read(&directory)?;
        let document = match Document::parse(&old) {
            Ok(document) => document,
            Err(Damage::Foreign) => return Err(Fault::Foreign.into()),
            Err(_) => Document::empty(),
        };
        let document = match entry {
            Some(entry) => document.with(key, entry),
            None => document.without(key),
        };
        self.replace(&directory, &document.to_bytes())
    }

    /// Puts `bytes` in place of the file, in one step. What fails leaves the old file as it was.
    fn replace(&self, directory: &Directory, bytes: &[u8]) -> Result<(), Failure> {
        let (mut name, end) = self.stray();
        name.push(random_name());
        name.push(end);
        let mut file = directory.new_file(&name)?;
        self.sweep(directory, &name, &file);
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        let replaced =
            written.map_err(Fault::io(Step::Write)).and_then(|()| directory.rename(&name, &self.name));
        if replaced.is_err() {
            directory.remove(&name);
        }
        replaced
    }

    /// Removes what killed processes have left, but for the file `mine`. The lock says that no other process
    /// is writing; without locks, age has to do.
    fn sweep(&self, directory: &Directory, mine: &OsStr, file: &File) {
        let (start, end) = self.stray();
        let is_stray = |name: &OsStr| {
            let bytes = name.as_encoded_bytes();
            let middle = bytes.strip_prefix(start.as_encoded_bytes());
            let middle = middle.and_then(|rest| rest.strip_suffix(end.as_encoded_bytes()));
            middle.is_some_and(|name| name.len() == 16 && name.iter().all(u8::is_ascii_hexdigit))
        };
        let lockless = self.lockless.load(Ordering::Relaxed);
        for name in directory.names().filter(|name| name != mine && is_stray(name)) {
            if !lockless || directory.is_older(&name, file, STRAY) {
                directory.remove(&name);
            }
        }
    }

    fn locked(&self) -> Result<StoreLock<'_>, Failure> {
        let directory = Directory::create(&self.directory)?;
        let name = self.lock();
        for _ in 0..LOOKS {
            let file = match directory.file(&name, Purpose::Lock)? {
                Some(file) => file,
                None => match directory.new_file(&name) {
                    Err(Failure { fault: Fault::Io(_, io::ErrorKind::AlreadyExists), .. }) => continue,
                    made => made?,
                },
            };
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => return Ok(StoreLock::Busy),
                Err(TryLockError::Error(error)) if has_no_locks(&error) => {
                    self.lockless.store(true, Ordering::Relaxed);
                    return Ok(StoreLock::None);
                }
                Err(TryLockError::Error(error)) => return Err(Fault::io(Step::Lock)(error)),
                // Without this look two processes could hold locks on two files, of which one has no name.
                Ok(()) if directory.has(&name, &file) => {
                    // A child process may have the file open too: closing it here would not be enough.
                    return Ok(StoreLock::held(move |_| drop(file.unlock())));
                }
                Ok(()) => {}
            }
        }
        Ok(StoreLock::Busy)
    }

    /// The name of the file that carries the lock.
    fn lock(&self) -> OsString {
        let mut name = self.name.clone();
        name.push(".lock");
        name
    }

    /// What the names of files begin and end with that are written to take the place of the store.
    fn stray(&self) -> (OsString, OsString) {
        let mut start = OsString::from(".");
        start.push(&self.name);
        start.push(".");
        (start, OsString::from(".tmp"))
    }
}

/// 16 hexadecimal digits.
fn random_name() -> String {
    let mut bytes = [0; 8];
    // Without random bytes the name may be taken, and the save fails.
    let _ = SystemRandom::new().fill(&mut bytes);
    format!("{:016x}", u64::from_le_bytes(bytes))
}

impl TokenStore for FileStore {
    fn load(&self, key: &str, _left: Duration) -> Result<Option<Secret>, Error> {
        self.loaded(key).map_err(|failure| failure.at(&self.path))
    }

    fn save(&self, key: &str, entry: &Secret, _: SystemTime, _left: Duration) -> Result<(), Error> {
        self.put(key, Some(entry.expose_secret())).map_err(|failure| failure.at(&self.path))
    }

    fn remove(&self, key: &str, _left: Duration) -> Result<(), Error> {
        self.put(key, None).map_err(|failure| failure.at(&self.path))
    }

    fn try_lock(&self, _key: &str, _left: Duration) -> Result<StoreLock<'_>, Error> {
        self.locked().map_err(|failure| failure.at(&self.directory.join(self.lock())))
    }
}
