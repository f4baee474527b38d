//! Data flows one way: every path that `src/` takes through the crate is held against the order of its
//! modules.
//!
//! The order below is the architecture. A module may use what stands before it, and so may the files inside
//! every folder; the face of a folder (its `mod.rs`) may use all of its files, and they may use what it
//! declares itself. Code never goes through the re-exports of the crate's root.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use std::fs;
use std::path::{Path, PathBuf};

/// The modules, from the words that everything is told in up to the ends that users call.
const ORDER: &[&str] = &[
    // words
    "sync",
    "random",
    "json",
    "secret",
    "error",
    "scope",
    "clock",
    "token", //
    // contract
    "token_source", //
    // mechanisms
    "key",
    "jwt",
    "retry",
    "http", //
    // endpoints, credentials, decorators
    "endpoint",
    "credential",
    "cached",
    "stored", //
    // ends
    "source",
    "authorize",
    "analytics",
];

/// What `testing` may use: everything before the endpoints.
const TESTING: &str = "endpoint";

/// The order of the files inside every folder.
const FOLDERS: &[(&str, &[&str])] = &[
    ("error", &["scrub", "google", "oauth"]),
    ("token_source", &["ask", "identity"]),
    (
        "key",
        &[
            "names",
            "fault",
            "fault_table",
            "signer",
            "pem",
            "rsa",
            "p12",
            "json",
            "pieces",
            "wrapping",
            "file",
            "rotation",
        ],
    ),
    (
        "http",
        &[
            "url",
            "body",
            "times",
            "status",
            "no_proxy",
            "proxy",
            "resolver",
            "connection",
            "agent",
            "fault",
            "check",
            "exchange",
            "stream",
            "call",
            "transport",
        ],
    ),
    ("endpoint", &["token"]),
    ("endpoint/token", &["advice", "document", "refusal", "answer"]),
    ("credential", &["service_account", "self_signed"]),
    ("cached", &["policy", "fault", "held", "back_off", "flight", "state", "shared"]),
    ("stored", &["store", "status", "entry", "document", "fault", "visit", "unix", "other", "file"]),
    ("source", &["exchange", "service_account", "id_token", "self_signed"]),
    ("authorize", &["hosts", "challenge", "refusal", "upload"]),
    (
        "analytics",
        &[
            "wire", "property", "request", "answer", "document", "table", "rows", "report", "bucket",
            "ledger", "gate", "refusal", "call", "client", "method", "pages", "v3",
        ],
    ),
    (
        "analytics/request",
        &["column", "date", "order", "number", "filter", "cohort", "comparison", "extra", "check"],
    ),
    ("analytics/answer", &["enum_value", "column", "metadata", "quota"]),
    ("analytics/table", &["read", "scan"]),
    ("analytics/rows", &["misfit", "number", "cell", "row", "plain"]),
    (
        "analytics/report",
        &[
            "expected",
            "keys",
            "pivot_headers",
            "body",
            "no_figure",
            "aggregates",
            "days",
            "write",
            "pivot",
            "audience",
            "quality",
        ],
    ),
    (
        "analytics/method",
        &[
            "run_report",
            "metadata",
            "compatibility",
            "quotas",
            "realtime",
            "pivot",
            "batch",
            "audience_export",
            "audience_rows",
            "audience",
        ],
    ),
    ("analytics/pages", &["fault", "order", "resume", "progress"]),
    (
        "analytics/v3",
        &[
            "fault",
            "equivalents",
            "nearest",
            "names",
            "date",
            "filter",
            "note",
            "query",
            "python",
            "pasted",
            "translation",
            "link",
            "answer",
        ],
    ),
    ("testing", &["clock", "key", "source", "server", "google", "canned"]),
    (
        "testing/google",
        &[
            "answer",
            "token_refusal",
            "token",
            "identity",
            "matching",
            "fault",
            "refusal",
            "enums",
            "wire",
            "number",
            "table",
            "load",
            "columns",
            "dates",
            "filter",
            "order",
            "report",
            "pivot",
            "quota",
            "audience",
            "api",
            "shared",
            "builder",
        ],
    ),
    ("testing/server", &["request", "reply", "tls", "channel", "connection"]),
];

#[test]
fn no_path_points_back() {
    let mut faults = Vec::new();
    let mut seen = 0;
    let exports = exports();
    for file in sources(Path::new(SOURCES)) {
        let module = module_of(&file);
        for path in paths(tokens(&file)) {
            seen += 1;
            if let Some(fault) = fault(&module, &path, &exports) {
                faults.push(format!("{}: {} ({fault})", file.display(), path.join("::")));
            }
        }
    }
    assert!(seen > 50, "only {seen} paths found: the scan is broken");
    assert!(faults.is_empty(), "paths against the order:\n{}", faults.join("\n"));
}

#[test]
fn every_file_has_a_place_in_the_order() {
    for file in sources(Path::new(SOURCES)) {
        let module = module_of(&file);
        let Some((name, folder)) = module.split_last() else { continue };
        let listed = match folder {
            [] => ORDER.contains(&name.as_str()) || name == "testing",
            folder => files_of(&folder.join("/")).contains(&name.as_str()),
        };
        assert!(listed, "{} has no place in the order", file.display());
    }
}

#[test]
fn a_planted_back_edge_is_seen() {
    let exports = [("http".to_owned(), "call".to_owned(), "call".to_owned())];
    let check = |module: &[&str], code: &str| {
        let module: Vec<String> = module.iter().map(|m| (*m).to_owned()).collect();
        paths(code.parse().expect("Rust")).iter().filter_map(|p| fault(&module, p, &exports)).count()
    };
    assert_eq!(check(&["token"], "use crate::cached::Cached;"), 1);
    assert_eq!(check(&["token_source"], "fn f() { let _ = vec![crate::endpoint::token::GOOGLE]; }"), 1);
    assert_eq!(check(&["key", "json"], "use super::super::http::Request;"), 1);
    assert_eq!(check(&["http"], "use crate::{error::Error, credential::ServiceAccount};"), 1);
    assert_eq!(check(&["cached"], "use crate::Error;"), 1);
    assert_eq!(check(&["analytics", "report"], "use super::client::Analytics;"), 1);
    assert_eq!(check(&["endpoint", "token", "advice"], "use super::answer::read;"), 1);
    assert_eq!(check(&["endpoint", "token", "advice"], "use crate::endpoint::token::answer::read;"), 1);
    assert_eq!(check(&["http", "url"], "use super::call;"), 1);
    assert_eq!(check(&["http", "fault"], "use super::{Transport, call};"), 1);
    assert_eq!(check(&["testing", "key"], "use crate::cached::Cached;"), 1);
    assert_eq!(check(&["cached"], "use crate::token_source::{Ask, TokenSource}; use super::retry;"), 0);
    assert_eq!(check(&["analytics", "client"], "use super::report::{self, Report};"), 0);
    assert_eq!(check(&["endpoint", "token", "answer"], "use super::refusal; use super::super::Remote;"), 0);
}

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

fn tokens(file: &Path) -> TokenStream {
    fs::read_to_string(file).expect("a source file").parse().expect("Rust")
}

fn files_of(folder: &str) -> &'static [&'static str] {
    FOLDERS.iter().find(|(name, _)| *name == folder).map_or(&[], |(_, files)| *files)
}

/// What the faces of folders re-export of their own files: folder, name, file.
fn exports() -> Vec<(String, String, String)> {
    let mut exports = Vec::new();
    for (folder, files) in FOLDERS {
        let tokens: Vec<TokenTree> =
            tokens(&Path::new(SOURCES).join(folder).join("mod.rs")).into_iter().collect();
        for at in 0..tokens.len() {
            if matches!(&tokens[at], TokenTree::Ident(word) if word == "use") {
                let mut ends = Vec::new();
                path(&tokens, at + 1, &[], &mut ends);
                for end in ends.iter().filter(|end| files.contains(&end[0].as_str())) {
                    let name = end.last().expect("a path has a name").clone();
                    exports.push(((*folder).to_owned(), name, end[0].clone()));
                }
            }
        }
    }
    exports
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}

/// `src/key/json.rs` is `key::json`, `src/key/mod.rs` is `key`, `src/lib.rs` is the root.
fn module_of(file: &Path) -> Vec<String> {
    let relative = file.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).expect("under src");
    let mut module: Vec<String> =
        relative.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|last| last == "mod" || last == "lib") {
        module.pop();
    }
    module
}

/// Every path that begins with `crate` or `super`, groups of a `use` taken apart. Inline modules (unit tests)
/// begin their paths one level deeper; a leading `super` there leads to the file's own module.
fn paths(tokens: TokenStream) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    walk(tokens, 0, &mut found);
    found
}

fn walk(tokens: TokenStream, depth: usize, found: &mut Vec<Vec<String>>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut i = 0;
    while i < tokens.len() {
        match &tokens[i] {
            TokenTree::Ident(word) if word == "mod" => {
                if let Some(TokenTree::Group(body)) = tokens.get(i + 2) {
                    walk(body.stream(), depth + 1, found);
                    i += 3;
                    continue;
                }
            }
            TokenTree::Ident(word) if word == "crate" || word == "super" => {
                let after_colons = i >= 2 && is_colons(&tokens, i - 2);
                if !after_colons {
                    let mut ends = Vec::new();
                    i = path(&tokens, i, &[], &mut ends);
                    found.extend(ends.into_iter().filter_map(|p| lifted(p, depth)));
                    continue;
                }
            }
            TokenTree::Group(group) => walk(group.stream(), depth, found),
            _ => {}
        }
        i += 1;
    }
}

/// Takes as many leading `super` away as inline modules were entered; what then has none stays inside the
/// file.
fn lifted(mut path: Vec<String>, depth: usize) -> Option<Vec<String>> {
    if path[0] == "super" {
        for _ in 0..depth {
            if path.first().is_some_and(|p| p == "super") {
                path.remove(0);
            }
        }
        return path.first().is_some_and(|p| p == "super").then_some(path);
    }
    Some(path)
}

/// Reads one path from `i` on, and what its group branches into; gives where reading goes on.
fn path(tokens: &[TokenTree], mut i: usize, before: &[String], ends: &mut Vec<Vec<String>>) -> usize {
    let mut path = before.to_vec();
    loop {
        match tokens.get(i) {
            Some(TokenTree::Ident(word)) => {
                path.push(word.to_string());
                i += 1;
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace && !path.is_empty() => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let mut j = 0;
                while j < inner.len() {
                    if matches!(&inner[j], TokenTree::Ident(_)) {
                        j = self::path(&inner, j, &path, ends);
                    }
                    // Skips `as name` and the comma.
                    while j < inner.len() && !matches!(&inner[j], TokenTree::Punct(p) if p.as_char() == ',') {
                        j += 1;
                    }
                    j += 1;
                }
                return i + 1;
            }
            _ => break,
        }
        if is_colons(tokens, i) {
            i += 2;
        } else {
            break;
        }
    }
    ends.push(path);
    i
}

fn is_colons(tokens: &[TokenTree], i: usize) -> bool {
    matches!(tokens.get(i), Some(TokenTree::Punct(p)) if p.as_char() == ':' && p.spacing() == Spacing::Joint)
        && matches!(tokens.get(i + 1), Some(TokenTree::Punct(p)) if p.as_char() == ':')
}

/// Why `path`, written in `module`, is against the order.
fn fault(module: &[String], path: &[String], exports: &[(String, String, String)]) -> Option<String> {
    let mut target: Vec<String> = if path[0] == "crate" { Vec::new() } else { module.to_vec() };
    for part in path {
        match part.as_str() {
            "crate" | "self" => {}
            "super" => {
                target.pop();
            }
            part => target.push(part.to_owned()),
        }
    }
    let shared = module.iter().zip(&target).take_while(|(from, to)| from == to).count();
    let (from, to) = (module.get(shared)?, target.get(shared)?);
    // A canned report is one of `analytics`; no other fake shares code with what it tests.
    if shared == 0 && module != ["testing", "canned"] {
        return between_modules(from, to);
    }
    let folder = module[..shared].join("/");
    let files = files_of(&folder);
    // A name that is no file is declared in the folder's face, or comes from one of its files.
    let exported = exports.iter().find(|(of, name, _)| *of == folder && name == to).map(|(.., file)| file);
    let file = if files.contains(&to.as_str()) { Some(to) } else { exported };
    let place = |name: &String| files.iter().position(|file| file == name);
    let is_later = place(file?)? > place(from)?;
    is_later.then(|| format!("`{from}` comes before `{}` in {folder}", to))
}

fn between_modules(from: &str, to: &str) -> Option<String> {
    let place = |name: &str| ORDER.iter().position(|module| *module == name);
    let Some(to_place) = place(to) else { return Some(format!("`{to}` is no module of the order")) };
    let limit = if from == "testing" { place(TESTING) } else { place(from) };
    match limit {
        None => Some(format!("`{from}` is no module of the order")),
        Some(limit) if to_place >= limit => Some(format!("`{from}` comes before `{to}`")),
        Some(_) => None,
    }
}
