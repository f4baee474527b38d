//! Random jitter, so that programs which failed or started together do not act together again.

use ring::rand::{SecureRandom, SystemRandom};

/// A number from [0, 1), each equally likely; 0.5 if the system has no random numbers.
pub(crate) fn random_share() -> f64 {
    let mut bytes = [0; 4];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
        Err(_) => 0.5,
    }
}
