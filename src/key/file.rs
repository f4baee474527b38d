//! Finds and reads the file around the JSON.
//!
//! In: a path, the value of an environment variable, a reader, bytes. Out: bytes that are wiped when dropped,
//! or text; else a [`Fault`], and the error that a user sees, with the path. What was given as a path may be
//! the key itself, or a piece of it: then it is not shown. Nothing of the JSON is read here.

use super::fault::Fault;
use super::names::{Look, Reason};
use crate::error::Error;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The largest key file: 64 KiB. Google's have 2.4 KiB; decoding megabytes of base64 takes seconds.
const MAX_KEY_FILE: u64 = 64 * 1024;

/// The path in an environment variable.
pub(super) fn from_variable(value: Option<OsString>) -> Result<PathBuf, Fault> {
    value.filter(|path| !path.is_empty()).map(PathBuf::from).ok_or(Fault::NoVariable)
}

/// The bytes of the file at `path`, at most one more than [`MAX_KEY_FILE`].
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Fault> {
    if is_key(path) {
        return Err(Fault::PathIsKey);
    }
    let failed = |error: io::Error| unreadable(reason(&error), path);
    // Before opening: opening a pipe waits for its other end.
    let found = fs::metadata(path).map_err(failed)?;
    if found.is_dir() {
        let is_empty = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
        return Err(unreadable(if is_empty { Reason::EmptyDirectory } else { Reason::Directory }, path));
    }
    if !found.is_file() {
        return Err(unreadable(Reason::NotRegular, path));
    }
    // Files that the kernel makes up (/proc) have this length, and reading one can block for ever.
    if found.len() == 0 {
        return Err(Fault::ZeroLength);
    }
    if found.len() > MAX_KEY_FILE {
        return Err(Fault::TooLarge);
    }
    from_reader(File::open(path).map_err(failed)?).map_err(failed)
}

/// What `reader` gives, at most one byte more than [`MAX_KEY_FILE`].
pub(super) fn from_reader(reader: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    // The capacity is the limit, so that it does not grow and leave copies of the key behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_KEY_FILE as usize + 2));
    reader.take(MAX_KEY_FILE + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// `bytes`, if they are no more than [`MAX_KEY_FILE`].
pub(super) fn within_limit(bytes: &[u8]) -> Result<&[u8], Fault> {
    if bytes.len() as u64 > MAX_KEY_FILE { Err(Fault::TooLarge) } else { Ok(bytes) }
}

/// The text of a key file, without a byte-order mark.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Fault> {
    match within_limit(bytes)? {
        // ASCII in UTF-16 is valid UTF-8 with NULs in it.
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{', 0, ..] | [0, b'{', ..] => return Err(Fault::Utf16),
        // `SEQUENCE { INTEGER 3 …` (RFC 7292 §4), its length in definite or indefinite form.
        [0x30, 0x82, _, _, 2, 1, 3, ..] | [0x30, 0x80, 2, 1, 3, ..] => return Err(Fault::Pkcs12),
        [0x30, 0x81..=0x84, ..] => return Err(Fault::BareDer),
        _ => {}
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::NotUtf8)?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The error for a fault of the file at `path`.
pub(super) fn error_at(path: &Path, fault: Fault) -> Error {
    let message = match fault {
        Fault::PathIsKey | Fault::UnreadablePiece(_) => return fault.into(),
        Fault::Unreadable(reason, _) => {
            format!("cannot read the key file {}: {}", shown(path), reason.words())
        }
        fault => format!("{}: {fault}", shown(path)),
    };
    Error::from(fault).with_message(message).with_path(path)
}

fn unreadable(reason: Reason, path: &Path) -> Fault {
    if is_piece_of_key(path) { Fault::UnreadablePiece(reason) } else { Fault::Unreadable(reason, look(path)) }
}

/// Why the system does not read a file, in words that do not depend on the platform.
fn reason(error: &io::Error) -> Reason {
    match error.kind() {
        ErrorKind::NotFound => Reason::NotFound,
        ErrorKind::PermissionDenied => Reason::PermissionDenied,
        ErrorKind::NotADirectory => Reason::NotADirectory,
        ErrorKind::InvalidFilename => Reason::TooLong,
        // A path with a NUL in it never reaches the system.
        ErrorKind::InvalidInput => Reason::Nul,
        _ if cfg!(unix) && error.raw_os_error() == Some(LOOP) => Reason::Loop,
        _ => Reason::InputOutput,
    }
}

/// `ELOOP`, for which std has no stable kind: 40 on Linux, 62 on macOS and the BSDs.
const LOOP: i32 = if cfg!(any(target_os = "linux", target_os = "android")) { 40 } else { 62 };

fn look(path: &Path) -> Look {
    let bytes = path.as_os_str().as_encoded_bytes();
    let text = path.to_string_lossy();
    let is_end = |found: fn(char) -> bool| text.starts_with(found) || text.ends_with(found);
    if bytes.ends_with(b"\r") || bytes.ends_with(b"\r\n") {
        Look::CarriageReturn
    } else if bytes.ends_with(b"\n") {
        Look::LineFeed
    } else if is_end(|c| matches!(c, '"' | '\'' | '`' | '\u{2018}'..='\u{201f}')) {
        Look::Quote
    } else if is_end(char::is_whitespace) {
        Look::Blank
    } else if is_end(|c| c.is_control() || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}')) {
        Look::Unseen
    } else if is_assignment(&text) {
        Look::Assignment
    } else if text.starts_with('$') || text.contains("${") || text.starts_with('%') {
        Look::Variable
    } else if text.starts_with('~') {
        Look::Home
    } else if text.starts_with("file:") || text.contains("://") {
        Look::Url
    } else if text.ends_with([',', ';']) {
        Look::Punctuation
    } else if text.contains("\\ ") {
        Look::Escape
    } else if cfg!(unix) && text.contains('\\') && !text.contains('/') {
        Look::Windows
    } else if path.is_relative() {
        Look::Relative
    } else {
        Look::Absolute
    }
}

/// Whether a path begins like `GOOGLE_APPLICATION_CREDENTIALS=`: a name in upper case and the sign.
fn is_assignment(text: &str) -> bool {
    let name = text.split_once('=').map(|(name, _)| name.trim_start_matches("export ").trim());
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    name.is_some_and(|name| !name.is_empty() && name.chars().all(is_name))
}

/// Whether a "path" is the content of a key file, as some programs have it in environment variables.
fn is_key(path: &Path) -> bool {
    let text = path.as_os_str().as_encoded_bytes().trim_ascii();
    let quotes = text.iter().take_while(|byte| matches!(byte, b'"' | b'\'')).count();
    let has = |piece: &[u8]| text.windows(piece.len()).any(|window| window == piece);
    text[quotes..].trim_ascii_start().starts_with(b"{")
        || has(b"\n")
        || has(b"-----BEGIN")
        || has(b"-----END")
        || has(b"private_key\"")
}

/// Whether a "path" that cannot be read may be a piece of a key: it has no dot, and 16 or more characters of
/// base64 in a row, in upper and lower case. A slash is one of them, except in an absolute path. Nearly every
/// piece of a key is like this, and few paths are; such a path is not shown, and its reason is.
fn is_piece_of_key(path: &Path) -> bool {
    let text = path.as_os_str().as_encoded_bytes();
    let is_base64 = |byte: u8| match byte {
        b'/' => path.is_relative(),
        byte => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'='),
    };
    !text.contains(&b'.')
        && text.split(|byte| !is_base64(*byte)).any(|run| {
            run.len() >= PIECE
                && run.iter().any(u8::is_ascii_uppercase)
                && run.iter().any(u8::is_ascii_lowercase)
        })
}

/// How many characters of base64 in a row make a piece of a key.
const PIECE: usize = 16;

/// The longest text of a path in a message: 300 characters. Of a longer one, 200 and the last 90 are shown.
const MAX_SHOWN: usize = 300;
const BEGIN_SHOWN: usize = 200;
const END_SHOWN: usize = 90;

/// `path` on one line: as it is, or in quotes that show its ends, with escapes, where it looks like something
/// else than a path or has characters that cannot be seen.
fn shown(path: &Path) -> String {
    let is_odd = !matches!(look(path), Look::Windows | Look::Relative | Look::Absolute);
    let text = match path.to_str() {
        Some(text) if !is_odd && !text.chars().any(is_escaped) => text.to_owned(),
        _ => format!("{path:?}"),
    };
    let count = text.chars().count();
    if count <= MAX_SHOWN {
        return text;
    }
    let begin: String = text.chars().take(BEGIN_SHOWN).collect();
    let end: String = text.chars().skip(count - END_SHOWN).collect();
    format!("{begin}…{end}")
}

/// Whether `Debug` of a text escapes `c`, other than for its own syntax.
fn is_escaped(c: char) -> bool {
    !matches!(c, '\\' | '"' | '\'') && c.escape_debug().len() > 1
}
