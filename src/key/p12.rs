//! A private key in a PKCS#12 container (`.p12`), as Google's console still gives out beside JSON.
//!
//! In: the bytes of the container and its password. Out: what signs with the one private key in it, or the
//! [`Fault`]. The crates `p12-keystore`, `pkcs12` and `der` read and decrypt the container; they do not wipe
//! what they decrypt, and their errors are never shown. RFC 7292.

use super::fault::Fault;
use super::rsa::RsaSigner;
use der::{Decode, Encode};
use p12_keystore::error::Error;
use p12_keystore::{KeyStore, KeyStoreEntry};
use pkcs12::pfx::Pfx;
use zeroize::Zeroizing;

/// What signs with the private key in `container`.
pub(super) fn signer(container: &[u8], password: &str) -> Result<RsaSigner, Fault> {
    let store =
        KeyStore::from_pkcs12(container, password).map_err(|error| fault(&error, container, password))?;
    let mut keys = store.entries().filter_map(|(_, entry)| match entry {
        KeyStoreEntry::PrivateKeyChain(key) => Some(key),
        _ => None,
    });
    match (keys.next(), keys.next()) {
        (Some(key), None) => RsaSigner::from_der(key.key()),
        (None, _) => Err(Fault::P12NoKey),
        (Some(_), Some(_)) => Err(Fault::P12Several),
    }
}

/// Why a container is not read. Its MAC says that the password or the content is wrong, and not which; then
/// the content is decrypted all the same, which works with the right password alone.
fn fault(error: &Error, container: &[u8], password: &str) -> Fault {
    match error {
        Error::MacError(_) => {
            match without_mac(container).map(|bytes| KeyStore::from_pkcs12(&bytes, password)) {
                Some(Err(Error::UnpadError | Error::Pkcs5Error(_))) => Fault::P12Password,
                _ => Fault::P12Damaged,
            }
        }
        // A container without a MAC.
        Error::UnpadError | Error::Pkcs5Error(_) => Fault::P12Password,
        Error::UnsupportedEncryptionScheme
        | Error::UnsupportedMacAlgorithm
        | Error::UnsupportedContentType => Fault::P12Unsupported,
        _ => Fault::P12Damaged,
    }
}

/// The same container without its MAC.
fn without_mac(container: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut pfx = Pfx::from_der(container).ok()?;
    pfx.mac_data = None;
    pfx.to_der().ok().map(Zeroizing::new)
}
