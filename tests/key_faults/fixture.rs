//! The throw-away key in parts, put together again in other ways, and what every refusal must satisfy.

use crate::util::canary::{Canary, all_texts};
use base64::prelude::{BASE64_STANDARD, Engine};
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::{Map, Value};
use shortway::testing::THROW_AWAY_KEY_JSON;
use shortway::{Error, ErrorKind, ServiceAccountKey};
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Instant;

pub(crate) const DOWNLOAD: &str = "download a JSON key for the service account in the Google Cloud console \
                                   (IAM & Admin, Service Accounts, Keys)";
pub(crate) const COPY: &str = "copy `private_key` unchanged from the JSON file that was downloaded";
pub(crate) const NEW_KEY: &str =
    "create a new JSON key for the service account; Google makes RSA keys of 2048 bits";

pub(crate) const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
pub(crate) const END: &str = "-----END PRIVATE KEY-----";

/// The fields of the throw-away key file.
pub(crate) static FIELDS: LazyLock<Map<String, Value>> =
    LazyLock::new(|| serde_json::from_str(THROW_AWAY_KEY_JSON).expect("the shipped key file is JSON"));

/// Its `private_key`.
pub(crate) static PEM: LazyLock<String> =
    LazyLock::new(|| FIELDS["private_key"].as_str().expect("text").to_owned());

/// The lines between BEGIN and END.
pub(crate) static LINES: LazyLock<Vec<&str>> =
    LazyLock::new(|| PEM.lines().filter(|line| !line.starts_with('-')).collect());

/// The DER in it: PKCS#8.
pub(crate) static DER: LazyLock<Vec<u8>> =
    LazyLock::new(|| BASE64_STANDARD.decode(LINES.concat()).expect("base64"));

/// Where the PKCS#1 structure starts in [`DER`]: after version, algorithm and the octet string's head (RFC
/// 5208 §5).
pub(crate) const PKCS1: usize = 26;

/// Watches for every piece of the throw-away key.
pub(crate) static CANARY: LazyLock<Canary> = LazyLock::new(|| Canary::new(&PEM, &[&DER]));

/// The throw-away key file with one field changed.
pub(crate) fn with_field(name: &str, value: impl Into<Value>) -> String {
    let mut fields = FIELDS.clone();
    fields.insert(name.to_owned(), value.into());
    Value::Object(fields).to_string()
}

pub(crate) fn without_field(name: &str) -> String {
    let mut fields = FIELDS.clone();
    fields.remove(name).expect("a field of the key file");
    Value::Object(fields).to_string()
}

/// A PEM block of one long line.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64_STANDARD.encode(der))
}

/// Between the right BEGIN and END lines.
pub(crate) fn between(body: &str) -> String {
    format!("{BEGIN}\n{body}\n{END}\n")
}

pub(crate) fn load_pem(pem: &str) -> Result<ServiceAccountKey, Error> {
    ServiceAccountKey::from_json(&with_field("private_key", pem))
}

pub(crate) fn load_der(der: &[u8]) -> Result<ServiceAccountKey, Error> {
    load_pem(&pem("PRIVATE KEY", der))
}

/// Whether what the key signs verifies under the public half of the throw-away key.
pub(crate) fn signs_right(key: &ServiceAccountKey) -> bool {
    static PUBLIC: LazyLock<Vec<u8>> = LazyLock::new(|| {
        RsaKeyPair::from_pkcs8(&DER).expect("the shipped key is good").public_key().as_ref().to_vec()
    });
    let message = b"signed by a key from a test";
    let signature = key.signer().sign(message, Instant::now()).unwrap_or_default();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &*PUBLIC).verify(message, &signature).is_ok()
}

/// It is refused with this kind and not retryable, its texts show nothing of the key, and the next good file
/// is read.
#[track_caller]
pub(crate) fn assert_refused(what: &str, result: Result<ServiceAccountKey, Error>, kind: ErrorKind) -> Error {
    let error = match result {
        Ok(_) => panic!("{what}: it is not refused"),
        Err(error) => error,
    };
    assert_eq!(error.kind(), kind, "{what}: {error}");
    assert!(!error.is_retryable(), "{what}: it is retryable");
    CANARY.assert_absent(&all_texts(&error));
    assert!(signs_right(&ServiceAccountKey::from_json(THROW_AWAY_KEY_JSON).expect("a good key")), "{what}");
    error
}

/// [`assert_refused`], with the whole text of the error.
#[track_caller]
pub(crate) fn assert_told(what: &str, result: Result<ServiceAccountKey, Error>, kind: ErrorKind, text: &str) {
    let error = assert_refused(what, result, kind);
    assert_eq!(error.to_string(), text, "{what}");
}

/// It is read and signs with the throw-away key.
#[track_caller]
pub(crate) fn assert_taken(what: &str, result: Result<ServiceAccountKey, Error>) -> ServiceAccountKey {
    match result {
        Ok(key) => {
            assert!(signs_right(&key), "{what}: it signs wrongly");
            key
        }
        Err(error) => panic!("{what}: {error}"),
    }
}

pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A file in `folder` with these bytes.
pub(crate) fn file(folder: &tempfile::TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("written");
    path
}
