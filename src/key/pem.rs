//! Takes the DER out of a PEM text, as it survives environment variables, YAML and clipboards.
//!
//! In: the `private_key` of a key file. Out: DER bytes, wiped when dropped. Damage that leaves no doubt
//! about the bytes is mended: literal `\n`, spaces or nothing for newlines, CRLF, indentation, quotes
//! around the whole. Everything else is refused with the likely mistake named; the errors are fixed
//! sentences, no byte of the input is in them. RFC 7468.

use crate::error::{Error, ErrorKind};
use base64::prelude::{BASE64_STANDARD, Engine};
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

const AS_DOWNLOADED: &str = "take `private_key` just as it stands in the file that Google handed out";

pub(super) fn decode(pem: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let body = body(pem)?;
    if body.contains(':') {
        return Err(key_error(
            "the private key has header lines: it is encrypted with a passphrase, or not in the form that Google hands out",
            AS_DOWNLOADED,
        ));
    }
    let mut text = Zeroizing::new(String::with_capacity(body.len()));
    let mut rest = body.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            c if c.is_ascii_whitespace() => {}
            // A run of backslashes before n, r or t is an escape that was never undone; the backslash
            // itself is no base64, so nothing else can be meant.
            '\\' => {
                while rest.next_if_eq(&'\\').is_some() {}
                if rest.next_if(|c| matches!(c, 'n' | 'r' | 't')).is_none() {
                    return Err(key_error("the private key has a stray backslash in it", AS_DOWNLOADED));
                }
            }
            '-' | '_' => {
                return Err(key_error(
                    "the private key is in the URL-safe alphabet of base64, not the standard one",
                    AS_DOWNLOADED,
                ));
            }
            c if c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=') => text.push(c),
            _ => {
                return Err(key_error(
                    "the private key has a character in it that is not base64",
                    AS_DOWNLOADED,
                ));
            }
        }
    }
    if text.is_empty() {
        return Err(key_error("the private key has nothing between its BEGIN and END lines", AS_DOWNLOADED));
    }
    match BASE64_STANDARD.decode(text.as_bytes()) {
        Ok(der) => Ok(Zeroizing::new(der)),
        Err(_) => Err(key_error(
            "the private key is cut or has characters missing: its base64 does not add up",
            AS_DOWNLOADED,
        )),
    }
}

/// What stands between the BEGIN and the END line, with the labels checked.
fn body(pem: &str) -> Result<&str, Error> {
    let Some(begin) = pem.find(BEGIN) else {
        return Err(key_error("the private key has no line -----BEGIN PRIVATE KEY-----", AS_DOWNLOADED));
    };
    let after = &pem[begin + BEGIN.len()..];
    let Some((label, rest)) = after.split_once(DASHES) else {
        return Err(key_error("the BEGIN line of the private key is damaged", AS_DOWNLOADED));
    };
    check_label(label)?;
    let Some((body, end)) = rest.split_once(END) else {
        return Err(key_error("the private key has no END line: it is cut", AS_DOWNLOADED));
    };
    if !end.strip_prefix(label).is_some_and(|tail| tail.starts_with(DASHES)) {
        return Err(key_error("the BEGIN and END lines of the private key do not match", AS_DOWNLOADED));
    }
    if body.contains(BEGIN) || end.contains(BEGIN) {
        return Err(key_error("the field `private_key` holds more than one PEM block", AS_DOWNLOADED));
    }
    Ok(body)
}

fn check_label(label: &str) -> Result<(), Error> {
    let found = match label {
        "PRIVATE KEY" | "RSA PRIVATE KEY" => return Ok(()),
        "ENCRYPTED PRIVATE KEY" => {
            return Err(key_error(
                "the private key is encrypted with a passphrase",
                "decrypt it first: openssl pkcs8 -in key.pem -out plain.pem",
            ));
        }
        "PUBLIC KEY" | "RSA PUBLIC KEY" => "a public key",
        "CERTIFICATE" => "a certificate",
        "EC PRIVATE KEY" => "an elliptic-curve key",
        "OPENSSH PRIVATE KEY" => "an SSH key",
        _ => "something else",
    };
    Err(key_error(format!("the field `private_key` holds {found}, not an RSA private key"), AS_DOWNLOADED))
}

fn key_error(message: impl Into<String>, hint: &str) -> Error {
    Error::new(ErrorKind::Key, message).with_hint(hint)
}
