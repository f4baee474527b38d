//! Data flows one way: every path that `src/` takes through the crate is held against the order of its modules.
//!
//! The order below is the architecture. A module may use what stands before it; inside a top-level module, parent and
//! children may use each other, but for `analytics`, whose children have an order of their own. Code never goes through
//! the re-exports of the crate's root.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use std::fs;
use std::path::{Path, PathBuf};

/// From the words that everything is told in, up to the ends that users call.
const ORDER: [&[&str]; 7] = [
    &["sync", "secret", "error", "scope", "clock", "token"],
    &["token_source"],
    &["key", "jwt", "retry", "http"],
    &["endpoint"],
    &["service_account"],
    &["cached"],
    &["short_path", "authorize", "analytics"],
];

/// The same inside `analytics`.
const ANALYTICS: [&str; 9] =
    ["wire", "property", "request", "answer", "table", "rows", "report", "refusal", "client"];

/// What `testing` may use: words, contract, mechanisms.
const TESTING: usize = 3;

#[test]
fn no_path_points_back() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for file in sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) {
        let module = module_of(&file);
        let text = fs::read_to_string(&file).expect("a source file");
        let tokens: TokenStream = text.parse().expect("Rust");
        for path in paths(tokens) {
            seen += 1;
            if let Some(fault) = fault(&module, &path) {
                faults.push(format!("{}: {} ({fault})", file.display(), path.join("::")));
            }
        }
    }
    assert!(seen > 50, "only {seen} paths found: the scan is broken");
    assert!(faults.is_empty(), "paths against the order:\n{}", faults.join("\n"));
}

#[test]
fn a_planted_back_edge_is_seen() {
    let check = |module: &[&str], code: &str| {
        let module: Vec<String> = module.iter().map(|m| (*m).to_owned()).collect();
        paths(code.parse().expect("Rust")).iter().filter_map(|p| fault(&module, p)).count()
    };
    assert_eq!(check(&["token"], "use crate::cached::Cached;"), 1);
    assert_eq!(check(&["token_source"], "fn f() { let _ = vec![crate::endpoint::token::GOOGLE]; }"), 1);
    assert_eq!(check(&["key", "json"], "use super::super::http::Request;"), 1);
    assert_eq!(check(&["http"], "use crate::{error::Error, service_account::ServiceAccount};"), 1);
    assert_eq!(check(&["cached"], "use crate::Error;"), 1);
    assert_eq!(check(&["analytics", "report"], "use super::client::Analytics;"), 1);
    assert_eq!(check(&["testing", "key"], "use crate::cached::Cached;"), 1);
    assert_eq!(check(&["cached"], "use crate::token_source::{Ask, TokenSource}; use super::retry;"), 0);
    assert_eq!(check(&["analytics", "client"], "use super::report::{self, Report};"), 0);
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

/// Every path that begins with `crate` or `super`, groups of a `use` taken apart. Inline modules (unit tests) begin
/// their paths one level deeper; a leading `super` there leads to the file's own module.
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

/// Takes as many leading `super` away as inline modules were entered; what then has none stays inside the file.
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
fn fault(module: &[String], path: &[String]) -> Option<String> {
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
    let home = module.first()?;
    let top = target.first()?;
    if top == home {
        let (from, to) = (module.get(1), target.get(1));
        let place = |name: Option<&String>| name.and_then(|n| ANALYTICS.iter().position(|a| a == n));
        return match (place(from), place(to)) {
            (Some(from), Some(to)) if home == "analytics" && to > from => {
                Some("a later part of analytics".into())
            }
            _ => None,
        };
    }
    let place = |name: &str| ORDER.iter().flat_map(|layer| layer.iter()).position(|m| *m == name);
    let Some(to) = place(top) else { return Some(format!("`{top}` is no module of the order")) };
    let limit = match home.as_str() {
        "testing" => ORDER[..TESTING].iter().map(|layer| layer.len()).sum(),
        home => match place(home) {
            Some(from) => from,
            None => return Some(format!("`{home}` is no module of the order")),
        },
    };
    (to >= limit).then(|| format!("`{home}` comes before `{top}`"))
}
