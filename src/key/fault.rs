//! Every way in which a key file or a private key is not usable: its words, its kind, its advice.
//!
//! In: names from closed sets, and numbers. It is `Copy`: no variant can hold text from outside, so no byte
//! of a key can reach an error through here. Out: an [`Error`], to which `file` adds the path.

use super::names::{Content, Field, FileType, JsonType, Layer, Look, Reason};
use crate::error::{Error, ErrorKind};

/// Why a key is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    // The path.
    #[error("no key file: GOOGLE_APPLICATION_CREDENTIALS is not set")]
    NoVariable,
    #[error("what was given as the path of a key file is the key itself")]
    PathIsKey,
    #[error("cannot read the key file: {}", .0.words())]
    Unreadable(Reason, Look),
    #[error("cannot read the key file: {} (its path, not shown, looks like a piece of a key)", .0.words())]
    UnreadablePiece(Reason),

    // The file.
    #[error("the reader of the key file failed")]
    Reader,
    #[error("the key file is empty: its length is 0")]
    ZeroLength,
    #[error("the key file is empty")]
    Empty,
    #[error("the key file is larger than 64 KiB")]
    TooLarge,
    #[error("the key file is UTF-16 text")]
    Utf16,
    #[error("the key file is not UTF-8 text")]
    NotUtf8,
    #[error("the key file is a PKCS#12 (.p12) file")]
    Pkcs12,
    #[error("the key file is a private key in DER, not the JSON around it")]
    BareDer,
    #[error("the key file is a private key in PEM, not the JSON around it")]
    BarePem,
    #[error("the key file is base64, not the JSON itself")]
    Base64,

    #[error("the key file {}", .0.words())]
    Wrapped(Layer),

    // The JSON.
    #[error("the key file is not a JSON object")]
    NotObject,
    #[error("the key file is not valid JSON (line {line}, column {column})")]
    NotJson { line: usize, column: usize },
    #[error("the key file is incomplete: its JSON ends too early (line {line}, column {column})")]
    EndsEarly { line: usize, column: usize },
    #[error("the key file has a line break inside a string (line {line}, column {column})")]
    LineBreak { line: usize, column: usize },
    #[error("the key file has the field `{}` twice (line {line}, column {column})", field.name())]
    Twice { field: Field, line: usize, column: usize },
    #[error("the key file has no field `{}`", .0.name())]
    Missing(Field),
    #[error("the field `{}` of the key file is {}, not a string", .0.name(), .1.words())]
    NotString(Field, JsonType),
    #[error("the key file is of {}, not `service_account`", .0.words())]
    OtherType(FileType),
    #[error("the field `client_email` is not the e-mail address of a service account")]
    Email,
    #[error("the field `private_key_id` is not a key id")]
    KeyId,
    #[error("the field `project_id` is not a project id")]
    ProjectId,
    #[error("the field `universe_domain` of the key file is not `googleapis.com`")]
    Universe,
    #[error("the key file has a field `audience` that differs from its `token_uri`")]
    Audience,

    // The PEM.
    #[error("the private key has no line -----BEGIN PRIVATE KEY-----")]
    NoBegin,
    #[error("the BEGIN line of the private key is damaged")]
    BadBegin,
    #[error("the private key is incomplete: it has no END line")]
    NoEnd,
    #[error("the BEGIN and END lines of the private key do not match")]
    Mismatch,
    #[error("the field `private_key` has more than one PEM block")]
    SeveralBlocks,
    #[error("the private key has header lines: it is encrypted, or not in the form that Google issues")]
    Headers,
    #[error("the private key has a backslash in it")]
    Backslash,
    #[error("the private key is in the URL-safe alphabet of base64, not in the standard one")]
    UrlSafe,
    #[error("the private key has a character in it that is not base64")]
    NotBase64,
    #[error("the private key has nothing between its BEGIN and END lines")]
    EmptyBlock,
    #[error("the private key is incomplete: its base64 has missing or extra characters")]
    BadBase64,

    // The PKCS#12 container.
    #[cfg(feature = "p12")]
    #[error("the password of the PKCS#12 file is wrong")]
    P12Password,
    #[cfg(feature = "p12")]
    #[error("the PKCS#12 file is incomplete or damaged")]
    P12Damaged,
    #[cfg(feature = "p12")]
    #[error("the PKCS#12 file has no private key with a certificate in it")]
    P12NoKey,
    #[cfg(feature = "p12")]
    #[error("the PKCS#12 file has more than one private key in it")]
    P12Several,
    #[cfg(feature = "p12")]
    #[error("the PKCS#12 file is encrypted in a way that is not supported")]
    P12Unsupported,

    // The key.
    #[error("the private key is encrypted with a passphrase")]
    Encrypted,
    #[error("the field `private_key` has {} in it, not an RSA private key", .0.words())]
    Other(Content),
    #[error("the private key is incomplete or damaged: it is not a complete DER structure")]
    NotDer,
    #[error("the private key is in a version of PKCS#8 that is not supported")]
    Pkcs8Version,
    #[error("the private key has more than two primes, which is not supported")]
    SeveralPrimes,
    #[error("the private key is too short: it has {0} bits, and 2048 are required")]
    TooShort(usize),
    #[error("the private key is too long: it has {0} bits, and at most 4096 are supported")]
    TooLong(usize),
    #[error("the private key has {0} bits: only 2048, 3072 and 4096 are supported")]
    OddLength(usize),
    #[error("the public exponent of the private key is too small: 65537 is usual")]
    SmallExponent,
    #[error("the public exponent of the private key is too large: 65537 is usual")]
    LargeExponent,
    #[error("the private key is damaged: its numbers do not match")]
    Damaged,
}

const DOWNLOAD: &str = "download a JSON key for the service account in the Google Cloud console \
                        (IAM & Admin, Service Accounts, Keys)";
const AS_DOWNLOADED: &str = "give the JSON key file as it was downloaded";
const WHOLE_FILE: &str =
    "the account's e-mail address is needed too: give the JSON key file as it was downloaded";
const CONVERT: &str = "create a JSON key for the service account, or convert this one: `openssl pkcs12 \
                       -legacy -in key.p12 -nodes -nocerts -passin pass:notasecret` prints the value of \
                       `private_key` (OpenSSL before 3.0: without -legacy)";
const COPY: &str = "copy `private_key` unchanged from the JSON file that was downloaded";
const DECRYPT: &str = "decrypt it first: openssl pkcs8 -in key.pem -out plain.pem";
const NEW_KEY: &str = "create a new JSON key for the service account; Google makes RSA keys of 2048 bits";

impl Fault {
    fn kind(self) -> ErrorKind {
        match self {
            Self::TooLarge => ErrorKind::TooLarge,
            #[cfg(feature = "p12")]
            Self::P12Damaged | Self::P12NoKey | Self::P12Several | Self::P12Unsupported => ErrorKind::Key,
            Self::NoBegin
            | Self::BadBegin
            | Self::NoEnd
            | Self::Mismatch
            | Self::SeveralBlocks
            | Self::Headers
            | Self::Backslash
            | Self::UrlSafe
            | Self::NotBase64
            | Self::EmptyBlock
            | Self::BadBase64
            | Self::Encrypted
            | Self::Other(_)
            | Self::NotDer
            | Self::Pkcs8Version
            | Self::SeveralPrimes
            | Self::TooShort(_)
            | Self::TooLong(_)
            | Self::OddLength(_)
            | Self::SmallExponent
            | Self::LargeExponent
            | Self::Damaged => ErrorKind::Key,
            _ => ErrorKind::Config,
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::NoVariable => "set it to the path of the service account's JSON key file",
            Self::PathIsKey => "write it to a file, or load it with ServiceAccountKey::from_json",
            Self::Unreadable(reason, look) => reason.hint().unwrap_or(look.hint()),
            Self::UnreadablePiece(reason) => reason.hint().unwrap_or("give the path of the JSON key file"),
            Self::Reader => "check what it reads from",
            Self::ZeroLength => "if it is not a file on a disk, read it with ServiceAccountKey::from_reader",
            Self::TooLarge => {
                "the JSON key file of a service account has about 2.4 KiB: check which file this is"
            }
            Self::Utf16 => "save it as UTF-8",
            Self::NotUtf8 => AS_DOWNLOADED,
            Self::Pkcs12 | Self::Other(Content::Pkcs12) => CONVERT,
            Self::BareDer | Self::BarePem => WHOLE_FILE,
            Self::Base64 => {
                "what it decodes to is not a key file either: give the JSON key file as it was downloaded"
            }
            Self::Wrapped(layer) => layer.hint(),
            Self::LineBreak { .. } => {
                "write line breaks inside `private_key` as \\n, as in the file that was downloaded"
            }
            Self::Missing(Field::Type) => {
                "a service account's key file says \"type\": \"service_account\"; \
                 a file with `web` or `installed` in it is an OAuth client, which is not an account"
            }
            Self::OtherType(FileType::AuthorizedUser) => {
                "it is the login of a person, made by `gcloud auth application-default login`; \
                 an unattended program needs a service account's key file"
            }
            Self::OtherType(FileType::Unknown) => DOWNLOAD,
            Self::OtherType(_) => {
                "this crate reads only service account keys; gcp_auth and google-cloud-auth read this type"
            }
            Self::Email => "it looks like name@project.iam.gserviceaccount.com",
            Self::KeyId => "it is 40 hexadecimal digits; remove the field if the id is not known",
            Self::ProjectId => "it looks like my-project-123; remove the field if the id is not known",
            Self::Universe => "other universes are not supported",
            Self::Audience => {
                "key files from Google have none: remove the field, or set the audience in the program"
            }
            Self::Empty
            | Self::NotObject
            | Self::NotJson { .. }
            | Self::EndsEarly { .. }
            | Self::Twice { .. }
            | Self::Missing(_)
            | Self::NotString(..) => DOWNLOAD,
            Self::NoBegin
            | Self::BadBegin
            | Self::NoEnd
            | Self::Mismatch
            | Self::SeveralBlocks
            | Self::Headers
            | Self::Backslash
            | Self::UrlSafe
            | Self::NotBase64
            | Self::EmptyBlock
            | Self::BadBase64
            | Self::Other(_) => COPY,
            #[cfg(feature = "p12")]
            Self::P12Password => "Google's .p12 files have the password notasecret",
            #[cfg(feature = "p12")]
            Self::P12Damaged => "give the .p12 file as it was downloaded",
            #[cfg(feature = "p12")]
            Self::P12NoKey | Self::P12Several => {
                "give the .p12 file of the service account as it was downloaded"
            }
            #[cfg(feature = "p12")]
            Self::P12Unsupported => CONVERT,
            Self::Encrypted => DECRYPT,
            Self::NotDer
            | Self::Pkcs8Version
            | Self::SeveralPrimes
            | Self::TooShort(_)
            | Self::TooLong(_)
            | Self::OddLength(_)
            | Self::SmallExponent
            | Self::LargeExponent
            | Self::Damaged => NEW_KEY,
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::new(fault.kind(), fault.to_string()).with_hint(fault.hint())
    }
}
