//! Signs with an RSA key held in memory, through ring.
//!
//! In: the DER of a private key, PKCS#8 or PKCS#1, whatever its PEM label said. Out: a [`Signer`] that has
//! signed once and been verified with its own public half, because ring loads keys with flipped bits that
//! cannot sign. Keys of 2048, 3072 or 4096 bits (RFC 7518 §3.3; ring's sizes). ring does not wipe its keys.

use super::fault::Fault;
use super::names::Content;
use super::signer::Signer;
use crate::error::Error;
use ring::error::KeyRejected;
use ring::rand::SystemRandom;
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};
use std::time::Instant;

pub(super) struct RsaSigner(RsaKeyPair);

impl RsaSigner {
    pub(super) fn from_der(der: &[u8]) -> Result<Self, Fault> {
        let (pair, pkcs1) = match Form::of(der)? {
            Form::Pkcs8(inner) => (RsaKeyPair::from_pkcs8(der), inner),
            Form::Pkcs1 => (RsaKeyPair::from_der(der), der),
        };
        let signer = Self(pair.map_err(|error| rejected(error, pkcs1))?);
        signer.check()?;
        Ok(signer)
    }

    fn check(&self) -> Result<(), Fault> {
        let message = b"shortway checks this key";
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.0.public_key().as_ref())
            .verify(message, &self.signature(message)?)
            .map_err(|_| Fault::Damaged)
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| Fault::Damaged)?;
        Ok(signature)
    }
}

impl Signer for RsaSigner {
    /// Takes about a millisecond, so the deadline does not matter.
    fn sign(&self, message: &[u8], _: Instant) -> Result<Vec<u8>, Error> {
        Ok(self.signature(message)?)
    }
}

/// Why ring rejects a key. Its words are few and fixed; the size that it refers to is read from the key.
fn rejected(error: KeyRejected, pkcs1: &[u8]) -> Fault {
    let Some(Head { two_primes, bits }) = Head::of(pkcs1) else { return Fault::NotDer };
    match (error.to_string().as_str(), bits) {
        ("InvalidEncoding", _) => Fault::NotDer,
        ("VersionNotSupported", _) if two_primes => Fault::Pkcs8Version,
        ("VersionNotSupported", _) => Fault::SeveralPrimes,
        (_, ..2048) => Fault::TooShort(bits),
        (_, 4097..) => Fault::TooLong(bits),
        (_, bits) if bits % 1024 != 0 => Fault::OddLength(bits),
        ("TooSmall", _) => Fault::SmallExponent,
        ("TooLarge", _) => Fault::LargeExponent,
        _ => Fault::Damaged,
    }
}

/// The first fields of a PKCS#1 key: `SEQUENCE { version, modulus, …` (RFC 8017 A.1.2).
struct Head {
    two_primes: bool,
    /// The length of the modulus.
    bits: usize,
}

impl Head {
    fn of(pkcs1: &[u8]) -> Option<Self> {
        let (SEQUENCE, fields, _) = element(pkcs1)? else { return None };
        let (INTEGER, version, rest) = element(fields)? else { return None };
        let (INTEGER, modulus, _) = element(rest)? else { return None };
        let first = modulus.iter().position(|byte| *byte != 0)?;
        let unused = modulus[first].leading_zeros() as usize;
        Some(Self { two_primes: version == [0], bits: 8 * (modulus.len() - first) - unused })
    }
}

/// What a DER structure is, by its outermost fields.
enum Form<'a> {
    /// With the PKCS#1 structure in it.
    Pkcs8(&'a [u8]),
    Pkcs1,
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
/// What begins the object ids of PKCS#7, which a PKCS#12 file is made of (RFC 7292 §4).
const PKCS7: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];

impl<'a> Form<'a> {
    /// PKCS#8 is `SEQUENCE { INTEGER, SEQUENCE { OID … }, OCTET STRING }` (RFC 5208), PKCS#1
    /// `SEQUENCE { INTEGER, INTEGER … }` (RFC 8017 A.1.2), an EC key by itself
    /// `SEQUENCE { INTEGER, OCTET STRING …` (RFC 5915).
    fn of(der: &'a [u8]) -> Result<Self, Fault> {
        let Some((SEQUENCE, outer, _)) = element(der) else { return Err(Fault::NotDer) };
        let Some((INTEGER, _, rest)) = element(outer) else { return Err(without_version(outer)) };
        match element(rest) {
            Some((INTEGER, _, _)) => Ok(Self::Pkcs1),
            Some((OCTET_STRING, _, _)) => Err(Fault::Other(Content::EllipticCurve)),
            Some((SEQUENCE, algorithm, rest)) => match (element(algorithm), element(rest)) {
                (Some((OBJECT_ID, RSA, _)), Some((OCTET_STRING, inner, _))) => Ok(Self::Pkcs8(inner)),
                (Some((OBJECT_ID, id, _)), _) => Err(by_algorithm(id)),
                _ => Err(Fault::NotDer),
            },
            _ => Err(Fault::NotDer),
        }
    }
}

fn by_algorithm(id: &[u8]) -> Fault {
    Fault::Other(match id {
        RSA => return Fault::NotDer,
        RSA_PSS => Content::RsaPss,
        EC => Content::EllipticCurve,
        ED25519 => Content::Ed25519,
        id if id.starts_with(PKCS7) => Content::Pkcs12,
        _ => Content::OtherAlgorithm,
    })
}

/// An encrypted key is `SEQUENCE { SEQUENCE, OCTET STRING }` (RFC 5208 §6), a public key
/// `SEQUENCE { SEQUENCE, BIT STRING }`, a certificate `SEQUENCE { SEQUENCE, SEQUENCE …` (RFC 5280).
fn without_version(outer: &[u8]) -> Fault {
    let Some((SEQUENCE, _, rest)) = element(outer) else { return Fault::NotDer };
    match element(rest) {
        Some((OCTET_STRING, _, _)) => Fault::Encrypted,
        Some((BIT_STRING, _, _)) => Fault::Other(Content::PublicKey),
        Some((SEQUENCE, _, _)) => Fault::Other(Content::Certificate),
        _ => Fault::NotDer,
    }
}

/// The first DER element: tag, content, what follows. Lengths of up to two bytes, enough for a key.
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
