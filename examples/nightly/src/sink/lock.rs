//! One process writes to a store on disk: a locked file beside it, which the system unlocks with the process.

use super::{busy, failed};
use shortway::Error;
use std::fs::{File, TryLockError};
use std::path::Path;

/// Locks `path`, which is made, for as long as the file lives; `place` is what it stands for.
pub(super) fn lock(path: &Path, place: &Path) -> Result<File, Error> {
    let cannot = |error| failed(&format!("cannot lock {}", path.display()), error);
    let file = File::options().create(true).write(true).truncate(false).open(path).map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(busy(place.display())),
        Err(TryLockError::Error(error)) => Err(cannot(error)),
    }
}
