//! A query as the old program had it: a URL, a query string, the arguments of a call in Python.

use super::fault::wrong;
use super::python;
use super::query::Query;
use crate::analytics::wire::quoted;
use crate::error::Error;
use std::str::FromStr;

/// Parameters of Google's APIs that have no effect on the figures. Keys and tokens are among them: their
/// values are read by nobody.
const OTHERS: [&str; 14] = [
    "access_token",
    "alt",
    "bearer_token",
    "callback",
    "fields",
    "key",
    "oauth_token",
    "output",
    "pp",
    "prettyPrint",
    "quotaUser",
    "uploadType",
    "upload_protocol",
    "userIp",
];

const REQUIRED: [&str; 4] = ["ids", "start-date", "end-date", "metrics"];

const FORMS: &str = "paste the whole URL, its query string (ids=ga:1234&start-date=…), or the arguments of \
                     the call in Python (ids='ga:1234', start_date='…')";

impl FromStr for Query {
    type Err = Error;

    /// A v3 URL with its query string, a query string, or the arguments of a call of Google's client for
    /// Python, in whole or with the call around them. `%` and `+` are decoded in the first two.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when it is neither, when a parameter is unknown,
    /// stands twice or has no value that v3 took, and when one of `ids`, `start-date`, `end-date`, `metrics`
    /// is missing.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut query = Self::default();
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in parameters(text.trim())? {
            // Google's client for Python has the same names with `_`.
            let name = if OTHERS.contains(&name.as_str()) { name } else { name.replace('_', "-") };
            if seen.contains(&name) {
                let message = format!("the v3 query has the parameter {} twice", quoted(&name));
                return Err(wrong(message, "give it once; a list has commas"));
            }
            query.set(&name, value)?;
            seen.push(name);
        }
        match REQUIRED.iter().find(|name| !seen.iter().any(|n| n == *name)) {
            Some(missing) => Err(wrong(format!("the v3 query has no {missing}"), FORMS)),
            None => Ok(query),
        }
    }
}

/// The names and values of a query in any of its forms.
fn parameters(text: &str) -> Result<Vec<(String, String)>, Error> {
    if python::is_call(text) { python::parameters(text) } else { pairs(query_string(text)?) }
}

impl Query {
    fn set(&mut self, name: &str, value: String) -> Result<(), Error> {
        match name {
            "ids" => self.ids = value,
            "start-date" => self.start_date = value,
            "end-date" => self.end_date = value,
            "metrics" => self.metrics = value,
            // An empty text is as none, as the old clients sent both.
            _ if value.is_empty() && !OTHERS.contains(&name) => {}
            "dimensions" => self.dimensions = Some(value),
            "sort" => self.sort = Some(value),
            "filters" => self.filters = Some(value),
            "segment" => self.segment = Some(value),
            "samplingLevel" => self.sampling_level = Some(value),
            "include-empty-rows" => self.include_empty_rows = Some(flag(&value)?),
            "start-index" => self.start_index = Some(count(name, &value)?),
            "max-results" => self.max_results = Some(count(name, &value)?),
            _ if OTHERS.contains(&name) => self.others.push(name.to_owned()),
            _ => {
                return Err(wrong(
                    format!("the v3 query has an unknown parameter {}", quoted(name)),
                    "v3 has ids, start-date, end-date, metrics, dimensions, sort, filters, segment, \
                     samplingLevel, include-empty-rows, start-index, max-results",
                ));
            }
        }
        Ok(())
    }
}

fn flag(value: &str) -> Result<bool, Error> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(wrong(
            format!("the v3 query has the include-empty-rows {}", quoted(value)),
            "give true or false",
        )),
    }
}

fn count(name: &str, value: &str) -> Result<u64, Error> {
    value.parse().map_err(|_| {
        wrong(format!("the v3 query has the {name} {}", quoted(value)), "give a whole number from 1 on")
    })
}

/// The query string of a URL, or of what is one already.
fn query_string(text: &str) -> Result<&str, Error> {
    let is_url = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
    let text = text.split('#').next().unwrap_or_default();
    if !is_url {
        return Ok(text.trim_start_matches(['?', '&']));
    }
    let (address, parameters) = text.split_once('?').unwrap_or((text, ""));
    if address.trim_end_matches('/').ends_with("/data/ga") {
        return Ok(parameters);
    }
    Err(wrong(
        format!("the URL {} is not of Core Reporting v3, whose path ends in /data/ga", quoted(address)),
        "other APIs of Universal Analytics (realtime, multi-channel funnels, v4) have no translation here",
    ))
}

/// Takes a query string apart.
fn pairs(text: &str) -> Result<Vec<(String, String)>, Error> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let Some((name, value)) = pair.split_once('=') else {
                return Err(wrong("the v3 query has a parameter without `=`", FORMS));
            };
            let fault = || {
                wrong(
                    format!("the v3 query has a {} that is not percent-encoded UTF-8", quoted(name)),
                    "write a percent sign of its own as %25",
                )
            };
            Ok((decoded(name).ok_or_else(fault)?, decoded(value).ok_or_else(fault)?))
        })
        .collect()
}

/// Undoes the encoding of forms: `%41` and `+`.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                u8::try_from(16 * digit(rest.next())? + digit(rest.next())?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}
