//! What signs for a service account: a key in memory, or one that is elsewhere.
//!
//! In: a message and a deadline. Out: an RS256 signature (RSASSA-PKCS1-v1_5 with SHA-256, RFC 7518 §3.3).

use crate::error::Error;
use std::sync::Arc;
use std::time::Instant;

/// Signs with RS256 (RSASSA-PKCS1-v1_5 with SHA-256, RFC 7518 §3.3), here or elsewhere.
///
/// [`ServiceAccountKey`](crate::ServiceAccountKey) holds one made from its private key. Implement it for a
/// key in a KMS or an HSM, and give that to
/// [`ServiceAccountKey::with_signer`](crate::ServiceAccountKey::with_signer).
pub trait Signer: Send + Sync {
    /// The signature over `message`, as bytes; 256 bytes for a key of 2048 bits.
    ///
    /// `deadline` is when the caller stops waiting, on the monotonic clock of the source
    /// ([`Clock::monotonic`](crate::Clock::monotonic)). A signer that uses the network returns an error of
    /// kind [`Timeout`](crate::ErrorKind::Timeout) by then; one that computes here can ignore it.
    ///
    /// # Errors
    /// Whatever keeps the key from signing; [`ErrorKind::Key`](crate::ErrorKind::Key) unless another kind
    /// fits better. Errors that are [retryable](Error::is_retryable) are retried like those of the token
    /// endpoint.
    fn sign(&self, message: &[u8], deadline: Instant) -> Result<Vec<u8>, Error>;
}

impl<S: Signer + ?Sized> Signer for &S {
    fn sign(&self, message: &[u8], deadline: Instant) -> Result<Vec<u8>, Error> {
        (**self).sign(message, deadline)
    }
}

impl<S: Signer + ?Sized> Signer for Box<S> {
    fn sign(&self, message: &[u8], deadline: Instant) -> Result<Vec<u8>, Error> {
        (**self).sign(message, deadline)
    }
}

impl<S: Signer + ?Sized> Signer for Arc<S> {
    fn sign(&self, message: &[u8], deadline: Instant) -> Result<Vec<u8>, Error> {
        (**self).sign(message, deadline)
    }
}
