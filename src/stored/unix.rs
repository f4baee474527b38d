//! One directory and the files in it: the system calls of the file store.
//!
//! Every file is opened by its name in an open directory, never through a link, and judged by the open file,
//! not by its path. Opening waits for nothing. What is made here is for its owner alone from the first
//! instant.

use super::fault::{Failure, Fault, Step};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::{DirBuilder, File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

pub(super) struct Directory(OwnedFd);

/// For which purpose a file is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Lock,
}

impl Directory {
    /// The directory at `path`, links in it followed; `None` if it does not exist.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, Failure> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = match rustix::fs::open(path, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            opened => opened.map_err(|errno| Fault::io(Step::OpenDirectory)(errno.into()))?,
        };
        let found = rustix::fs::fstat(&directory).map_err(|e| Fault::io(Step::OpenDirectory)(e.into()))?;
        let mode = Mode::from_raw_mode(found.st_mode);
        if mode.contains(Mode::WOTH) && !mode.contains(Mode::SVTX) {
            return Err(Fault::OpenDirectory.into());
        }
        Ok(Some(Self(directory)))
    }

    /// The same, created for its owner alone if it does not exist.
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        if let Some(directory) = Self::open(path)? {
            return Ok(directory);
        }
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(Fault::io(Step::CreateDirectory))?;
        Self::open(path)?.ok_or_else(|| Fault::io(Step::OpenDirectory)(Errno::NOENT.into()))
    }

    /// The file of this name, if it is a regular file of this user that nobody else can open; `None` if it
    /// does not exist.
    pub(super) fn file(&self, name: &OsStr, purpose: Purpose) -> Result<Option<File>, Failure> {
        // Before opening: to open a device may do something.
        match rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(Fault::io(Step::Open)(errno.into())),
            Ok(found) => checked(&found)?,
        }
        let access = if purpose == Purpose::Read { OFlags::RDONLY } else { OFlags::RDWR };
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        match rustix::io::retry_on_intr(|| rustix::fs::openat(&self.0, name, flags, Mode::empty())) {
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::LOOP) => Err(Fault::Link.into()),
            Err(errno) => Err(Fault::io(Step::Open)(errno.into())),
            Ok(file) => trusted(file.into()).map(Some),
        }
    }

    /// A new file of this name, for its owner alone whatever the umask is.
    pub(super) fn new_file(&self, name: &OsStr) -> Result<File, Failure> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = || rustix::fs::openat(&self.0, name, flags, Mode::RUSR | Mode::WUSR);
        let file = rustix::io::retry_on_intr(open).map_err(|errno| Fault::io(Step::Create)(errno.into()))?;
        own(file.into()).inspect_err(|_| self.remove(name))
    }

    /// Whether `file` is the file of this name: not one that was removed or replaced since it was opened.
    pub(super) fn has(&self, name: &OsStr, file: &File) -> bool {
        let here = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW);
        let open = rustix::fs::fstat(file);
        here.is_ok_and(|here| open.is_ok_and(|open| (here.st_dev, here.st_ino) == (open.st_dev, open.st_ino)))
    }

    /// Gives the file `from` the name `to`, in one step, and makes that survive a power failure.
    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> Result<(), Failure> {
        rustix::fs::renameat(&self.0, from, &self.0, to)
            .map_err(|errno| Fault::io(Step::Replace)(errno.into()))?;
        match rustix::io::retry_on_intr(|| rustix::fs::fsync(&self.0)) {
            // Not every file system can do that with a directory.
            Ok(()) | Err(Errno::INVAL | Errno::NOTSUP | Errno::BADF) => Ok(()),
            Err(errno) => Err(Fault::io(Step::Replace)(errno.into())),
        }
    }

    pub(super) fn remove(&self, name: &OsStr) {
        // What cannot be removed stays, until the next sweep.
        let _ = rustix::fs::unlinkat(&self.0, name, AtFlags::empty());
    }

    /// The names of the files; none if the directory cannot be read.
    pub(super) fn names(&self) -> impl Iterator<Item = OsString> {
        let names = Dir::read_from(&self.0).into_iter().flatten();
        names.flatten().map(|entry| OsStr::from_bytes(entry.file_name().to_bytes()).to_owned())
    }

    /// Whether the file of this name was last written more than `age` before `file`, by the clock of the file
    /// system.
    pub(super) fn is_older(&self, name: &OsStr, file: &File, age: i64) -> bool {
        let found = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW);
        let now = file.metadata().map(|file| file.mtime());
        found.is_ok_and(|found| now.is_ok_and(|now| found.st_mtime.saturating_add(age) < now))
    }
}

/// Whether the file system has no locks, as some of a network: then it says so.
pub(super) fn has_no_locks(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOLCK | Errno::NOSYS | Errno::OPNOTSUPP))
}

/// Read and write for the owner.
const OWNER_ONLY: u32 = 0o600;

/// A file that was just made, for its owner alone.
fn own(file: File) -> Result<File, Failure> {
    if file.metadata().map_err(Fault::io(Step::Create))?.mode() & 0o777 != OWNER_ONLY {
        // A umask that takes rights from the owner.
        file.set_permissions(Permissions::from_mode(OWNER_ONLY)).map_err(Fault::io(Step::Create))?;
    }
    trusted(file)
}

/// `file`, if it is a regular file of this user that nobody else can open.
fn trusted(file: File) -> Result<File, Failure> {
    let found = rustix::fs::fstat(&file).map_err(|errno| Fault::io(Step::Open)(errno.into()))?;
    checked(&found)?;
    Ok(file)
}

fn checked(found: &Stat) -> Result<(), Failure> {
    let for_others = Mode::from_raw_mode(found.st_mode).intersects(Mode::RWXG | Mode::RWXO);
    Err(Failure::from(match FileType::from_raw_mode(found.st_mode) {
        FileType::Symlink => Fault::Link,
        FileType::Directory => Fault::Directory,
        FileType::RegularFile if found.st_uid != rustix::process::geteuid().as_raw() => Fault::OtherOwner,
        FileType::RegularFile if for_others => Fault::OpenToOthers,
        FileType::RegularFile => return Ok(()),
        _ => Fault::Special,
    }))
}
