//! Takes the DER out of a PEM text, as it survives environment variables, YAML and clipboards.
//!
//! In: the `private_key` of a key file. Out: DER bytes, wiped when dropped. Damage after which the bytes are
//! still certain is repaired: literal `\n`, blanks or nothing for newlines, CRLF, indentation, quotes around
//! the whole. Everything else is refused with the likely mistake named. RFC 7468.
//!
//! The `pem` crate reads the blocks after that. Its errors can hold input, so each is replaced by a
//! [`Fault`]. It copies the base64 once and does not wipe that copy.

use super::fault::Fault;
use super::names::Content;
use pem::PemError;
use zeroize::Zeroizing;

const BEGIN: &str = "BEGIN ";
const END: &str = "END ";
const DASHES: &str = "-----";

pub(super) fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let blocks = pem::parse_many(normalised(text)?.as_bytes()).map_err(|error| match error {
        PemError::MismatchedTags(..) | PemError::MissingEndTag => Fault::Mismatch,
        PemError::MissingBeginTag => Fault::BadBegin,
        _ => Fault::BadBase64,
    })?;
    let mut only = None;
    for block in blocks {
        check_label(block.tag())?;
        let der = Zeroizing::new(block.into_contents());
        if only.replace(der).is_some() {
            return Err(Fault::SeveralBlocks);
        }
    }
    // Both lines are there, so what pem does not see as a block lacks the end of its last line.
    only.ok_or(Fault::NoEnd).and_then(|der| if der.is_empty() { Err(Fault::EmptyBlock) } else { Ok(der) })
}

fn check_label(label: &str) -> Result<(), Fault> {
    match label {
        "PRIVATE KEY" | "RSA PRIVATE KEY" => Ok(()),
        "ENCRYPTED PRIVATE KEY" => Err(Fault::Encrypted),
        "PUBLIC KEY" | "RSA PUBLIC KEY" => Err(Fault::Other(Content::PublicKey)),
        "CERTIFICATE" => Err(Fault::Other(Content::Certificate)),
        "EC PRIVATE KEY" => Err(Fault::Other(Content::EllipticCurve)),
        "OPENSSH PRIVATE KEY" => Err(Fault::Other(Content::Ssh)),
        _ => Err(Fault::Other(Content::Unknown)),
    }
}

/// The blocks in `text` without anything around them, their base64 on one line.
fn normalised(text: &str) -> Result<Zeroizing<String>, Fault> {
    // No longer than the input, so that it does not grow and leave copies behind.
    let mut blocks = Zeroizing::new(String::with_capacity(text.len()));
    let mut parts = text.split(DASHES).skip(1);
    let mut seen_begin = false;
    while let Some(part) = parts.next() {
        if !part.starts_with(BEGIN) {
            continue;
        }
        seen_begin = true;
        let body = parts.next().ok_or(Fault::BadBegin)?;
        let end = match parts.next() {
            Some(end) if end.starts_with(END) => end,
            Some(next) if next.starts_with(BEGIN) => return Err(Fault::SeveralBlocks),
            _ => return Err(Fault::NoEnd),
        };
        blocks.extend([DASHES, part, DASHES]);
        push_base64(body, &mut blocks)?;
        blocks.extend([DASHES, end]);
        if parts.clone().next().is_some() {
            blocks.push_str(DASHES);
        }
    }
    if seen_begin { Ok(blocks) } else { Err(Fault::NoBegin) }
}

/// Adds the base64 of `body` to `out`, without blanks and without escapes that were never undone.
fn push_base64(body: &str, out: &mut String) -> Result<(), Fault> {
    if body.contains(':') {
        return Err(Fault::Headers);
    }
    let mut rest = body.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            c if c.is_ascii_whitespace() => {}
            // Backslashes before n, r or t are a newline that was escaped, maybe more than once. A backslash
            // is not base64, so it can have no other meaning.
            '\\' => {
                while rest.next_if_eq(&'\\').is_some() {}
                rest.next_if(|c| matches!(c, 'n' | 'r' | 't')).ok_or(Fault::Backslash)?;
            }
            '-' | '_' => return Err(Fault::UrlSafe),
            c if c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=') => out.push(c),
            _ => return Err(Fault::NotBase64),
        }
    }
    Ok(())
}
