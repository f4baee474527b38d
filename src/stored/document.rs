//! The store file: entries by key in one JSON object, `{"version": 1, "tokens": {"<key>": {…}, …}}`. No I/O,
//! no clock.
//!
//! In: bytes of unknown origin. Out: the entry of a key; or new bytes with one entry more or less. An entry
//! that cannot be read hides no other.

use super::entry;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// The largest store file: 1 MiB, some 500 tokens.
pub(super) const MAX_FILE: usize = 1 << 20;

/// What a store file holds, as references to its bytes.
#[derive(Serialize, Deserialize)]
pub(super) struct Document<'a> {
    version: u64,
    #[serde(borrow)]
    tokens: BTreeMap<String, &'a RawValue>,
}

/// Why a file is not read. The next save replaces it, unless it was never a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    TooLarge,
    NotAStore,
    /// It is neither a store nor a piece of one: it may be the only copy of something else, such as a key.
    Foreign,
    /// Another version wrote it.
    Version(u64),
}

#[derive(Deserialize)]
struct Version {
    version: u64,
}

impl<'a> Document<'a> {
    /// A store without tokens.
    pub(super) fn empty() -> Self {
        Self { version: entry::VERSION, tokens: BTreeMap::new() }
    }

    /// Reads a file. One without a byte is a store without tokens.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Damage> {
        if bytes.is_empty() {
            return Ok(Self::empty());
        }
        if !begins_as_a_store(bytes) && !is_a_store(bytes) {
            return Err(Damage::Foreign);
        }
        if bytes.len() > MAX_FILE {
            return Err(Damage::TooLarge);
        }
        let Version { version } = serde_json::from_slice(bytes).map_err(|_| Damage::NotAStore)?;
        if version != entry::VERSION {
            return Err(Damage::Version(version));
        }
        serde_json::from_slice(bytes).map_err(|_| Damage::NotAStore)
    }

    /// The entry of `key`, as it is in the file.
    pub(super) fn get(&self, key: &str) -> Option<&'a str> {
        self.tokens.get(key).map(|entry| entry.get())
    }

    /// The same with `entry` under `key`, and without what had expired when that was issued or cannot be
    /// read. Where it becomes too large, those that expire first are left out. Unchanged if `entry` cannot be
    /// read.
    pub(super) fn with(mut self, key: &str, entry: &'a str) -> Self {
        let issued = entry::issued_at(entry);
        if let (Some(now), Ok(entry)) = (issued, serde_json::from_str(entry)) {
            self.tokens.insert(key.to_owned(), entry);
            self.prune(now);
        }
        self
    }

    /// The same without the entry of `key`.
    pub(super) fn without(mut self, key: &str) -> Self {
        self.tokens.remove(key);
        self
    }

    fn prune(&mut self, now: SystemTime) {
        let mut kept: Vec<(Duration, usize, String)> = Vec::new();
        self.tokens.retain(|key, entry| {
            let left = entry::left(entry.get(), now).filter(|_| entry.get().len() <= entry::MAX_ENTRY);
            kept.extend(left.map(|left| (left, key.len() + entry.get().len() + FRAME, key.clone())));
            left.is_some()
        });
        kept.sort_unstable();
        let mut size = FRAME * 4 + kept.iter().map(|(_, size, _)| size).sum::<usize>();
        for (_, entry, key) in kept {
            if size <= MAX_FILE {
                break;
            }
            size -= entry;
            self.tokens.remove(&key);
        }
    }

    /// The bytes of a file.
    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Keys and JSON always make JSON. If they did not, an empty file is a store without tokens.
        Zeroizing::new(serde_json::to_vec(self).unwrap_or_default())
    }
}

/// Whether this is a store as another program may write it again, its members in any order.
fn is_a_store(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Members {
        #[serde(rename = "version")]
        _version: u64,
        #[serde(rename = "tokens")]
        _tokens: IgnoredAny,
    }
    serde_json::from_slice::<Members>(bytes).is_ok()
}

/// What every store begins with that this crate writes, in any version.
const BEGINNING: &[u8] = br#"{"version":"#;

/// Whether this may be what is left of a store: cut, or bytes of zero after a power failure.
fn begins_as_a_store(bytes: &[u8]) -> bool {
    let length = bytes.len().min(BEGINNING.len());
    bytes[..length] == BEGINNING[..length] || bytes.iter().all(|byte| *byte == 0)
}

/// What stands around an entry, at most: quotes, escapes of a foreign key, a colon, a comma.
const FRAME: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    /// Lives for a second from `second` on.
    fn entry_of(second: usize, filler: usize) -> String {
        let (end, filler) = (1000 * (second + 1), "x".repeat(filler));
        format!(r#"{{"expires_at_ms":{end},"lifetime_ms":1000,"x":"{filler}"}}"#)
    }

    fn parsed(bytes: &[u8]) -> Document<'_> {
        Document::parse(bytes).expect("a store")
    }

    #[test]
    fn bad_entry_hides_no_other_and_is_dropped_with_the_next_save() {
        let file = br#"{"version":1,"tokens":{"a":7,"b":{"token":[]},"c":{"expires_at_ms":5,"lifetime_ms":5}},"x":0}"#;
        assert_eq!(parsed(file).get("c"), Some(r#"{"expires_at_ms":5,"lifetime_ms":5}"#));
        let saved = r#"{"expires_at_ms":9,"lifetime_ms":8}"#;
        let kept = parsed(file).with("d", saved).to_bytes();
        let shown = r#"{"version":1,"tokens":{"c":{"expires_at_ms":5,"lifetime_ms":5},"d":{"expires_at_ms":9,"lifetime_ms":8}}}"#;
        assert_eq!(std::str::from_utf8(&kept), Ok(shown));
        assert_eq!(&**parsed(&kept).without("c").without("d").to_bytes(), br#"{"version":1,"tokens":{}}"#);
    }

    #[test]
    fn file_cut_at_any_byte_is_damaged_and_never_another_store() {
        let entry = entry_of(5, 10);
        let file = Document::empty().with("a", &entry).to_bytes();
        for end in 1..file.len() {
            assert_eq!(Document::parse(&file[..end]).err(), Some(Damage::NotAStore), "{end} bytes");
        }
        assert_eq!(parsed(b"").get("a"), None);
    }

    #[test]
    fn other_version_damage_and_other_documents_are_told_apart() {
        let damage = |bytes: &[u8]| Document::parse(bytes).err();
        assert_eq!(damage(br#"{"version":2,"tokens":[1]}"#), Some(Damage::Version(2)));
        for damaged in [r#"{"version":1}"#, r#"{"version":1,"tokens":[]}"#, "\0", "\0\0", "{", r#"{"ver"#] {
            assert_eq!(damage(damaged.as_bytes()), Some(Damage::NotAStore), "{damaged}");
        }
        assert!(damage(br#"{"tokens":{},"version":1}"#).is_none());
        for other in ["[]", "null", "{}", "\u{feff}{}", r#"{"type":"service_account"}"#, "text", " "] {
            assert_eq!(damage(other.as_bytes()), Some(Damage::Foreign), "{other}");
        }
        let mut large = br#"{"version":1,"#.to_vec();
        large.resize(MAX_FILE + 1, b' ');
        assert_eq!(damage(&large), Some(Damage::TooLarge));
        assert_eq!(damage(&vec![b' '; MAX_FILE + 1]), Some(Damage::Foreign));
    }

    #[test]
    fn entries_that_had_expired_when_another_is_saved_are_dropped() {
        let (old, new) = (entry_of(5, 0), entry_of(6, 0));
        let file = Document::empty().with("a", &old).with("b", &new).to_bytes();
        assert_eq!((parsed(&file).get("a"), parsed(&file).get("b")), (None, Some(&*new)));
        // Nor is one kept that a clock dated which was ahead.
        let file = Document::empty().with("a", &new).with("b", &old).to_bytes();
        assert_eq!((parsed(&file).get("a"), parsed(&file).get("b")), (None, Some(&*old)));
    }

    #[test]
    fn file_that_becomes_too_large_loses_the_entries_that_expire_first() {
        let entries: Vec<String> = (0..100)
            .map(|n| {
                format!(r#"{{"expires_at_ms":{},"lifetime_ms":9000,"x":"{}"}}"#, 9000 + n, "x".repeat(15_000))
            })
            .collect();
        let mut store = Document::empty();
        for (n, entry) in entries.iter().enumerate() {
            store = store.with(&format!("{n:064}"), entry);
        }
        let bytes = store.to_bytes();
        let left = parsed(&bytes);
        assert!(bytes.len() <= MAX_FILE && bytes.len() > MAX_FILE - 2 * 15_100, "{}", bytes.len());
        assert_eq!(left.tokens.keys().next_back(), Some(&format!("{:064}", 99)));
        assert_eq!(left.tokens.keys().next(), Some(&format!("{:064}", 100 - left.tokens.len())));
    }
}
