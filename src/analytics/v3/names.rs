//! Names: from what a query asks for to the GA4 field, without regard to case, as v3 took them.

use super::equivalents::{EQUIVALENTS, Equivalent, FieldKind};
use super::fault::wrong;
use super::nearest::{NEAREST, RENAMED_IN_2014};
use crate::analytics::wire::quoted;
use crate::error::Error;

/// What a name of a query stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    /// As the query has it.
    pub(super) asked: String,
    /// The GA4 field.
    pub(super) ga4: String,
    /// Its row in Google's table; none for a GA4 name.
    pub(super) row: Option<&'static Equivalent>,
    /// The v3 name of the row, if the query has one from before April 2014.
    pub(super) since_2014: Option<&'static str>,
}

impl Field {
    /// Dimension or metric, if the name itself says so.
    pub(super) fn kind(&self) -> Option<FieldKind> {
        self.row.map(|row| row.kind)
    }
}

/// A name without an equivalent.
#[derive(Debug)]
pub(super) struct Missing {
    asked: String,
    nearest: Option<&'static str>,
}

/// Finds a name. One without `ga:` is a GA4 field already.
pub(super) fn find(asked: &str) -> Result<Field, Missing> {
    let field = |ga4: &str, row, since_2014| Field { asked: asked.into(), ga4: ga4.into(), row, since_2014 };
    if !asked.get(..3).is_some_and(|prefix| prefix.eq_ignore_ascii_case("ga:")) {
        return Ok(field(asked, None, None));
    }
    let renamed = RENAMED_IN_2014.iter().find(|(old, _)| old.eq_ignore_ascii_case(asked));
    let since_2014 = renamed.map(|(_, new)| *new);
    let name = since_2014.unwrap_or(asked);
    match EQUIVALENTS.iter().find(|row| row.ua.eq_ignore_ascii_case(name)) {
        Some(row) => Ok(field(row.ga4, Some(row), since_2014)),
        None => Err(Missing { asked: asked.into(), nearest: nearest(name) }),
    }
}

/// The GA4 field that is nearest by name to one without an equivalent.
fn nearest(name: &str) -> Option<&'static str> {
    let numbered = with_placeholder(name);
    let is_it = |ua: &str| ua.eq_ignore_ascii_case(name) || ua.eq_ignore_ascii_case(&numbered);
    NEAREST.iter().find(|(ua, _)| is_it(ua)).map(|(_, ga4)| *ga4)
}

/// `ga:goal12Completions` as v3's own lists have it: `ga:goalXXCompletions`.
fn with_placeholder(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 1);
    for c in name.chars() {
        match c.is_ascii_digit() {
            true if out.ends_with("XX") => {}
            true => out.push_str("XX"),
            false => out.push(c),
        }
    }
    out
}

/// How many names without an equivalent one error has: 8, which people can still read.
const MOST: usize = 8;

/// One error for all names without an equivalent.
pub(super) fn refusal(missing: &[Missing]) -> Error {
    let (shown, more) = missing.split_at(missing.len().min(MOST));
    let name = |m: &Missing| quoted(&m.asked);
    let mut names: Vec<String> = shown.iter().map(name).collect();
    names.extend((!more.is_empty()).then(|| format!("and {} more", more.len())));
    let have = if missing.len() == 1 { "has" } else { "have" };
    let near: Vec<String> =
        shown.iter().filter_map(|m| Some(format!("{} to {}", m.nearest?, name(m)))).collect();
    let far: Vec<String> = shown.iter().filter(|m| m.nearest.is_none()).map(name).collect();
    let mut hints = Vec::new();
    if !near.is_empty() {
        let near = near.join(", ");
        hints.push(format!(
            "by name the nearest field is {near}: where its meaning serves, write it without `ga:`"
        ));
    }
    if !far.is_empty() {
        hints.push(format!("leave out {}: nothing is near", far.join(", ")));
    }
    wrong(format!("{} {have} no equivalent in GA4", names.join(", ")), hints.join("; "))
}
