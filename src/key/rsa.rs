//! Signs with an RSA key held in memory, through ring.
//!
//! In: the DER of a private key, PKCS#8 or PKCS#1, whatever its PEM label said. Out: a [`Signer`] that has
//! signed once and been verified with its own public half, because ring loads keys with flipped bits
//! that cannot sign. Keys of 2048 to 4096 bits (RFC 7518 §3.3; ring's upper limit).

use super::Signer;
use crate::error::{Error, ErrorKind};
use ring::rand::SystemRandom;
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};

pub(super) struct RsaSigner(RsaKeyPair);

const NEW_KEY: &str = "create a new JSON key for the service account; Google makes RSA keys of 2048 bits";

impl RsaSigner {
    pub(super) fn from_der(der: &[u8]) -> Result<Self, Error> {
        let pair = match Form::of(der) {
            Form::Pkcs8 => RsaKeyPair::from_pkcs8(der),
            Form::Pkcs1 => RsaKeyPair::from_der(der),
            Form::Other(what) => {
                return Err(
                    Error::new(ErrorKind::Key, format!("the private key is {what}")).with_hint(NEW_KEY)
                );
            }
        };
        let signer = Self(pair.map_err(|e| rejected(&e))?);
        signer.check_itself()?;
        Ok(signer)
    }

    fn check_itself(&self) -> Result<(), Error> {
        let message = b"shortway checks this key";
        let signature = self.sign(message)?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.0.public_key().as_ref())
            .verify(message, &signature)
            .map_err(|_| damaged())
    }
}

impl Signer for RsaSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let mut signature = vec![0; self.0.public().modulus_len()];
        match self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature) {
            Ok(()) => Ok(signature),
            Err(_) => Err(damaged()),
        }
    }
}

fn damaged() -> Error {
    Error::new(ErrorKind::Key, "the private key is damaged: its numbers do not fit together")
        .with_hint(NEW_KEY)
}

/// ring's reasons are fixed words; they are told in ours.
fn rejected(error: &ring::error::KeyRejected) -> Error {
    let message = match error.to_string().as_str() {
        "TooSmall" => {
            "the private key is too short: RS256 needs 2048 to 4096 bits and a public exponent of 65537"
        }
        "TooLarge" => "the private key is too long: 2048 to 4096 bits are supported",
        "VersionNotSupported" => "the private key has more than two primes, which is not supported",
        "InvalidEncoding" => "the private key is cut or damaged: it is not a whole DER structure",
        _ => return damaged(),
    };
    Error::new(ErrorKind::Key, message).with_hint(NEW_KEY)
}

/// What a DER blob holds, by its outermost fields.
enum Form {
    Pkcs8,
    Pkcs1,
    Other(&'static str),
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

impl Form {
    /// PKCS#8 is `SEQUENCE { INTEGER, SEQUENCE { OID … }, OCTET STRING }` (RFC 5208), PKCS#1
    /// `SEQUENCE { INTEGER, INTEGER … }` (RFC 8017 A.1.2), an EC key by itself
    /// `SEQUENCE { INTEGER, OCTET STRING …` (RFC 5915). An encrypted key is `SEQUENCE { SEQUENCE, OCTET STRING }` (RFC 5208
    /// §6), a public key `SEQUENCE { SEQUENCE, BIT STRING }`, a certificate `SEQUENCE { SEQUENCE, SEQUENCE …` (RFC 5280).
    fn of(der: &[u8]) -> Self {
        let unknown = Self::Other("cut or damaged: it is not a whole DER structure");
        let Some((SEQUENCE, outer, _)) = element(der) else { return unknown };
        match element(outer) {
            Some((SEQUENCE, _, rest)) => match element(rest) {
                Some((OCTET_STRING, _, _)) => Self::Other("encrypted with a passphrase"),
                Some((BIT_STRING, _, _)) => Self::Other("a public key"),
                Some((SEQUENCE, _, _)) => Self::Other("a certificate"),
                _ => unknown,
            },
            Some((INTEGER, _, rest)) => match element(rest) {
                Some((INTEGER, _, _)) => Self::Pkcs1,
                Some((OCTET_STRING, _, _)) => Self::Other("an elliptic-curve key, not RSA"),
                Some((SEQUENCE, algorithm, _)) => match element(algorithm) {
                    Some((OBJECT_ID, RSA, _)) => Self::Pkcs8,
                    Some((OBJECT_ID, RSA_PSS, _)) => Self::Other("an RSA-PSS key, which cannot sign RS256"),
                    Some((OBJECT_ID, EC, _)) => Self::Other("an elliptic-curve key, not RSA"),
                    Some((OBJECT_ID, ED25519, _)) => Self::Other("an Ed25519 key, not RSA"),
                    Some((OBJECT_ID, _, _)) => Self::Other("of an unknown algorithm, not RSA"),
                    _ => unknown,
                },
                _ => unknown,
            },
            _ => unknown,
        }
    }
}

/// The first DER element: tag, content, what follows. Lengths of up to two bytes, ample for a key.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => (usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?])), rest.get(2..)?),
        _ => return None,
    };
    Some((tag, rest.get(..length)?, rest.get(length..)?))
}
