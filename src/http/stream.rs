//! Bodies on their way through ureq: a caller's reader in a request, ureq's reader in a response.

use super::connection::Mark;
use super::exchange::{Exchange, Stage};
use super::fault::Fault;
use crate::error::Error;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The body of a request from a caller's reader: as many bytes as were said, and its errors told from the
/// network's.
pub(super) struct Sent<'a> {
    reader: Box<dyn Read + 'a>,
    /// How many bytes are to come, if that was said.
    left: Option<u64>,
    length: u64,
}

/// A fault of the request itself, on its way through ureq.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct OwnFault(Fault);

impl<'a> Sent<'a> {
    pub(super) fn new(reader: Box<dyn Read + 'a>, length: Option<u64>) -> Self {
        Self { reader, left: length, length: length.unwrap_or_default() }
    }
}

impl Read for Sent<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let fault = |fault| io::Error::other(OwnFault(fault));
        let most = self
            .left
            .map_or(buffer.len(), |left| buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
        if most == 0 {
            return Ok(0);
        }
        let read = loop {
            match self.reader.read(&mut buffer[..most]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(fault(Fault::UnreadableBody(error.kind()))),
                Ok(read) => break read,
            }
        };
        if let Some(left) = &mut self.left {
            // ureq would go on asking for the rest until the time limit.
            if read == 0 {
                return Err(fault(Fault::ShortBody(self.length)));
            }
            *left -= read as u64;
        }
        Ok(read)
    }
}

/// The fault of the request that ureq carries, or the error back.
pub(super) fn own_fault(error: ureq::Error) -> Result<Fault, ureq::Error> {
    match error {
        ureq::Error::Io(error) => {
            error.downcast::<OwnFault>().map(|OwnFault(fault)| fault).map_err(ureq::Error::Io)
        }
        error => Err(error),
    }
}

/// The body of a response, with ureq's errors as ours.
pub(super) struct Body {
    pub(super) reader: ureq::BodyReader<'static>,
    pub(super) exchange: Exchange,
    pub(super) mark: Mark,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let failed = |fault| io::Error::other(Error::from(fault));
        // As in the exchange itself: ureq panics where a lock is poisoned.
        let Ok(read) = catch_unwind(AssertUnwindSafe(|| self.reader.read(buffer))) else {
            return Err(failed(Fault::Panicked(self.exchange.place.clone())));
        };
        if self.mark.is_damaged() {
            return Err(failed(self.exchange.not_http(Stage::Body)));
        }
        read.map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => failed(self.exchange.fault(error.into(), Stage::Body)),
        })
    }
}
