//! Every fault's text in one table.

use super::fault::Fault;
use super::names::{Content, Field, FileType, JsonType, Layer, Look, Reason};
use crate::error::{Error, ErrorKind};

const PLACE: (usize, usize) = (3, 14);

fn config() -> Vec<(Fault, &'static str)> {
    use Fault::{
        Audience, BareDer, BarePem, Base64, Email, Empty, EndsEarly, KeyId, LineBreak, Missing, NoVariable,
        NotJson, NotObject, NotString, NotUtf8, OtherType, PathIsKey, Pkcs12, ProjectId, Reader, Twice,
        Universe, Unreadable, UnreadablePiece, Utf16, Wrapped, ZeroLength,
    };
    let (line, column) = PLACE;
    vec![
        (NoVariable, "no key file: GOOGLE_APPLICATION_CREDENTIALS is not set"),
        (PathIsKey, "what was given as the path of a key file is the key itself"),
        (
            UnreadablePiece(Reason::NotFound),
            "cannot read the key file: it does not exist (its path, not shown, looks like a piece of a key)",
        ),
        (Unreadable(Reason::NotFound, Look::Relative), "cannot read the key file: it does not exist"),
        (Unreadable(Reason::PermissionDenied, Look::Absolute), "cannot read the key file: permission denied"),
        (
            Unreadable(Reason::NotADirectory, Look::Home),
            "cannot read the key file: a part of the path is not a directory",
        ),
        (Unreadable(Reason::Directory, Look::Url), "cannot read the key file: it is a directory"),
        (
            Unreadable(Reason::EmptyDirectory, Look::Absolute),
            "cannot read the key file: it is an empty directory",
        ),
        (Unreadable(Reason::NotRegular, Look::Quote), "cannot read the key file: it is not a regular file"),
        (Unreadable(Reason::Loop, Look::Blank), "cannot read the key file: its symbolic links form a loop"),
        (
            Unreadable(Reason::TooLong, Look::LineFeed),
            "cannot read the key file: the path or a part of it is too long",
        ),
        (
            Unreadable(Reason::Nul, Look::CarriageReturn),
            "cannot read the key file: the path contains a NUL character",
        ),
        (
            Unreadable(Reason::InputOutput, Look::Absolute),
            "cannot read the key file: the system reports an input/output error",
        ),
        (Reader, "the reader of the key file failed"),
        (ZeroLength, "the key file is empty: its length is 0"),
        (Empty, "the key file is empty"),
        (Utf16, "the key file is UTF-16 text"),
        (NotUtf8, "the key file is not UTF-8 text"),
        (Pkcs12, "the key file is a PKCS#12 (.p12) file"),
        (BareDer, "the key file is a private key in DER, not the JSON around it"),
        (BarePem, "the key file is a private key in PEM, not the JSON around it"),
        (Base64, "the key file is base64, not the JSON itself"),
        (Wrapped(Layer::Literal), "the key file is an object of Python or JavaScript, not JSON"),
        (
            Wrapped(Layer::IamAnswer),
            "the key file is an answer of the IAM API, with the key file in its `privateKeyData`",
        ),
        (NotObject, "the key file is not a JSON object"),
        (NotJson { line, column }, "the key file is not valid JSON (line 3, column 14)"),
        (
            EndsEarly { line, column },
            "the key file is incomplete: its JSON ends too early (line 3, column 14)",
        ),
        (LineBreak { line, column }, "the key file has a line break inside a string (line 3, column 14)"),
        (
            Twice { field: Field::TokenUri, line, column },
            "the key file has the field `token_uri` twice (line 3, column 14)",
        ),
        (Missing(Field::Type), "the key file has no field `type`"),
        (Missing(Field::ClientEmail), "the key file has no field `client_email`"),
        (
            NotString(Field::PrivateKey, JsonType::Boolean),
            "the field `private_key` of the key file is a boolean, not a string",
        ),
        (
            NotString(Field::PrivateKeyId, JsonType::Number),
            "the field `private_key_id` of the key file is a number, not a string",
        ),
        (
            NotString(Field::ProjectId, JsonType::Array),
            "the field `project_id` of the key file is an array, not a string",
        ),
        (
            NotString(Field::UniverseDomain, JsonType::Object),
            "the field `universe_domain` of the key file is an object, not a string",
        ),
        (
            OtherType(FileType::AuthorizedUser),
            "the key file is of type `authorized_user`, not `service_account`",
        ),
        (
            OtherType(FileType::GdchServiceAccount),
            "the key file is of type `gdch_service_account`, not `service_account`",
        ),
        (OtherType(FileType::Unknown), "the key file is of an unknown type, not `service_account`"),
        (Email, "the field `client_email` is not the e-mail address of a service account"),
        (KeyId, "the field `private_key_id` is not a key id"),
        (ProjectId, "the field `project_id` is not a project id"),
        (Universe, "the field `universe_domain` of the key file is not `googleapis.com`"),
        (Audience, "the key file has a field `audience` that differs from its `token_uri`"),
    ]
}

fn key() -> Vec<(Fault, &'static str)> {
    use Fault::{
        Backslash, BadBase64, BadBegin, Damaged, EmptyBlock, Encrypted, Headers, LargeExponent, Mismatch,
        NoBegin, NoEnd, NotBase64, NotDer, OddLength, Other, Pkcs8Version, SeveralBlocks, SeveralPrimes,
        SmallExponent, TooLong, TooShort, UrlSafe,
    };
    vec![
        (NoBegin, "the private key has no line -----BEGIN PRIVATE KEY-----"),
        (BadBegin, "the BEGIN line of the private key is damaged"),
        (NoEnd, "the private key is incomplete: it has no END line"),
        (Mismatch, "the BEGIN and END lines of the private key do not match"),
        (SeveralBlocks, "the field `private_key` has more than one PEM block"),
        (Headers, "the private key has header lines: it is encrypted, or not in the form that Google issues"),
        (Backslash, "the private key has a backslash in it"),
        (UrlSafe, "the private key is in the URL-safe alphabet of base64, not in the standard one"),
        (NotBase64, "the private key has a character in it that is not base64"),
        (EmptyBlock, "the private key has nothing between its BEGIN and END lines"),
        (BadBase64, "the private key is incomplete: its base64 has missing or extra characters"),
        (Encrypted, "the private key is encrypted with a passphrase"),
        (Other(Content::PublicKey), "the field `private_key` has a public key in it, not an RSA private key"),
        (
            Other(Content::Certificate),
            "the field `private_key` has a certificate in it, not an RSA private key",
        ),
        (
            Other(Content::EllipticCurve),
            "the field `private_key` has an elliptic-curve key in it, not an RSA private key",
        ),
        (Other(Content::Ed25519), "the field `private_key` has an Ed25519 key in it, not an RSA private key"),
        (Other(Content::RsaPss), "the field `private_key` has an RSA-PSS key in it, not an RSA private key"),
        (Other(Content::Ssh), "the field `private_key` has an SSH key in it, not an RSA private key"),
        (
            Other(Content::Pkcs12),
            "the field `private_key` has a PKCS#12 (.p12) file in it, not an RSA private key",
        ),
        (
            Other(Content::OtherAlgorithm),
            "the field `private_key` has a key of another algorithm in it, not an RSA private key",
        ),
        (Other(Content::Unknown), "the field `private_key` has something else in it, not an RSA private key"),
        (NotDer, "the private key is incomplete or damaged: it is not a complete DER structure"),
        (Pkcs8Version, "the private key is in a version of PKCS#8 that is not supported"),
        (SeveralPrimes, "the private key has more than two primes, which is not supported"),
        (TooShort(1024), "the private key is too short: it has 1024 bits, and 2048 are required"),
        (TooLong(8192), "the private key is too long: it has 8192 bits, and at most 4096 are supported"),
        (OddLength(2560), "the private key has 2560 bits: only 2048, 3072 and 4096 are supported"),
        (SmallExponent, "the public exponent of the private key is too small: 65537 is usual"),
        (LargeExponent, "the public exponent of the private key is too large: 65537 is usual"),
        (Damaged, "the private key is damaged: its numbers do not match"),
    ]
}

#[cfg(feature = "p12")]
fn p12() -> Vec<(Fault, ErrorKind, &'static str)> {
    use Fault::{P12Damaged, P12NoKey, P12Password, P12Several, P12Unsupported};
    vec![
        (P12Password, ErrorKind::Config, "the password of the PKCS#12 file is wrong"),
        (P12Damaged, ErrorKind::Key, "the PKCS#12 file is incomplete or damaged"),
        (P12NoKey, ErrorKind::Key, "the PKCS#12 file has no private key with a certificate in it"),
        (P12Several, ErrorKind::Key, "the PKCS#12 file has more than one private key in it"),
        (P12Unsupported, ErrorKind::Key, "the PKCS#12 file is encrypted in a way that is not supported"),
    ]
}

#[cfg(not(feature = "p12"))]
fn p12() -> Vec<(Fault, ErrorKind, &'static str)> {
    Vec::new()
}

#[test]
fn every_fault_says_what_it_is_in_one_line_and_what_to_do() {
    let large = (Fault::TooLarge, "the key file is larger than 64 KiB");
    let faults = config().into_iter().map(|(fault, text)| (fault, ErrorKind::Config, text));
    let faults = faults.chain(key().into_iter().map(|(fault, text)| (fault, ErrorKind::Key, text)));
    for (fault, kind, text) in faults.chain([(large.0, ErrorKind::TooLarge, large.1)]).chain(p12()) {
        let error = Error::from(fault);
        assert_eq!((error.kind(), error.message()), (kind, text));
        let hint = error.hint().expect("advice");
        assert!(!hint.is_empty() && !error.to_string().contains('\n') && !error.is_retryable(), "{error}");
        assert!(!text.ends_with('.') && !hint.ends_with('.'), "{error}");
        assert!(error.to_string().len() <= 330, "{} bytes: {error}", error.to_string().len());
    }
}
