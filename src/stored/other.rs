//! One directory and the files in it, where there are no Unix system calls: by their paths. Who may read them
//! is what the directory says.

use super::fault::{Failure, Fault, Step};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) struct Directory(PathBuf);

/// For which purpose a file is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Lock,
}

impl Directory {
    /// The directory at `path`; `None` if it does not exist.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, Failure> {
        match fs::metadata(path) {
            Ok(_) => Ok(Some(Self(path.to_owned()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Fault::io(Step::OpenDirectory)(error)),
        }
    }

    /// The same, created if it does not exist.
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(path).map_err(Fault::io(Step::CreateDirectory))?;
        Ok(Self(path.to_owned()))
    }

    /// The file of this name, if it is a regular file; `None` if it does not exist.
    pub(super) fn file(&self, name: &OsStr, purpose: Purpose) -> Result<Option<File>, Failure> {
        let path = self.0.join(name);
        let kind = match fs::symlink_metadata(&path) {
            Ok(found) => found.file_type(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Fault::io(Step::Open)(error)),
        };
        match kind {
            kind if kind.is_symlink() => Err(Fault::Link.into()),
            kind if kind.is_dir() => Err(Fault::Directory.into()),
            kind if !kind.is_file() => Err(Fault::Special.into()),
            _ => OpenOptions::new()
                .read(true)
                .write(purpose == Purpose::Lock)
                .open(path)
                .map(Some)
                .map_err(Fault::io(Step::Open)),
        }
    }

    /// A new file of this name.
    pub(super) fn new_file(&self, name: &OsStr) -> Result<File, Failure> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        options.open(self.0.join(name)).map_err(Fault::io(Step::Create))
    }

    /// Whether `file` is the file of this name: an open file cannot be replaced here.
    pub(super) fn has(&self, name: &OsStr, _file: &File) -> bool {
        self.0.join(name).exists()
    }

    /// Gives the file `from` the name `to`, in one step.
    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> Result<(), Failure> {
        fs::rename(self.0.join(from), self.0.join(to)).map_err(Fault::io(Step::Replace))
    }

    pub(super) fn remove(&self, name: &OsStr) {
        // What cannot be removed stays, until the next sweep.
        let _ = fs::remove_file(self.0.join(name));
    }

    /// The names of the files; none if the directory cannot be read.
    pub(super) fn names(&self) -> impl Iterator<Item = OsString> {
        fs::read_dir(&self.0).into_iter().flatten().flatten().map(|entry| entry.file_name())
    }

    /// Whether the file of this name was last written more than `age` seconds before `file`.
    pub(super) fn is_older(&self, name: &OsStr, file: &File, age: i64) -> bool {
        let written = |found: io::Result<fs::Metadata>| found.and_then(|found| found.modified());
        let age = Duration::from_secs(age.unsigned_abs());
        let Ok(then) = written(fs::metadata(self.0.join(name))) else { return false };
        written(file.metadata()).is_ok_and(|now| now.duration_since(then).is_ok_and(|since| since > age))
    }
}

/// Whether the file system has no locks.
pub(super) fn has_no_locks(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
}
