//! The versions of the packages built in, from `Cargo.lock`.

const LOCK: &str = include_str!("../Cargo.lock");

/// `name` with its version.
pub fn with_version(name: &str) -> String {
    let named = LOCK.split("[[package]]").find(|package| value(package, "name") == Some(name));
    let version = named.and_then(|package| value(package, "version")).expect("the package is in Cargo.lock");
    format!("{name} {version}")
}

/// The text in quotes after `key` in one entry of the file.
fn value<'a>(package: &'a str, key: &str) -> Option<&'a str> {
    let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))?;
    Some(line.trim_matches('"'))
}
