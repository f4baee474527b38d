//! A good key file that is one layer too deep.
//!
//! In: text. Out: the [`Fields`] of the key file, or the [`Fault`] that names the layer around it. There are
//! two kinds of layers:
//!
//! - An **encoding** holds the key file and nothing else: a JSON text, base64, quotes, escapes. Nothing else
//!   can be meant, so up to [`LAYERS`] of them are undone.
//! - A **document** holds more than the key file: the answer of an API, a secret of Kubernetes, settings.
//!   Another part of it may be meant, or another key, so it is refused, and the advice says how to take the
//!   key file out of it. Only a document without a `type` of its own is looked into.
//!
//! Nothing is undone before the text as it is was refused, so that a key file is read in one way only.

use super::fault::Fault;
use super::json::{self, Fields};
use super::names::Layer;
use super::pieces::{base64, between_quotes, fenced, html, json_string, percent, unescaped};
use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

/// How many encodings are undone at most. Two occur: base64 in a JSON text, base64 of base64.
const LAYERS: usize = 4;

/// How deep documents are looked into: Vault has its data two levels deep, and a text in it is one more.
const DEPTH: usize = 5;

/// How many lines of a document are looked at: each costs a look at all that follows it.
const LINES: usize = 100;

pub(super) fn parse(text: &str) -> Result<Fields, Fault> {
    let fault = match json::parse(text) {
        Err(fault) if may_be_wrapped(fault) => fault,
        result => return result,
    };
    let mut inner = Zeroizing::new(text.to_owned());
    for _ in 0..LAYERS {
        if let Some(layer) = document(&inner) {
            return Err(Fault::Wrapped(layer));
        }
        inner = undone(&inner).ok_or(fault)?;
        match json::parse(&inner) {
            Err(fault) if may_be_wrapped(fault) => {}
            result => return result,
        }
    }
    Err(fault)
}

/// Whether a layer can be the reason. A key file that is merely damaged is not looked into.
fn may_be_wrapped(fault: Fault) -> bool {
    use super::names::{Field, FileType};
    use Fault::{Base64, Missing, NotJson, NotObject, OtherType};
    matches!(fault, Base64 | NotObject | NotJson { .. } | Missing(Field::Type) | OtherType(FileType::Unknown))
}

/// `text` with its outermost encoding undone, if there is one.
fn undone(text: &str) -> Option<Zeroizing<String>> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    json_string(text)
        .or_else(|| fenced(text))
        .or_else(|| between_quotes(text))
        .or_else(|| html(text))
        .or_else(|| unescaped(text))
        .or_else(|| percent(text))
        .or_else(|| base64(text))
}

/// The document around a key file, if `text` is one.
fn document(text: &str) -> Option<Layer> {
    let values = Values::of(text);
    let keys: usize = values.0.iter().map(|value| keys_in(value, DEPTH)).sum();
    match (&*values.0, keys) {
        (_, 0) => named_by_lines(text),
        ([value], 1) => Some(shape(value)),
        ([_, ..], 1) => None,
        _ => Some(Layer::Several),
    }
}

/// What a document of JSON with one key file in it is.
fn shape(value: &Value) -> Layer {
    let is_output = |value: &Value| value.get("sensitive").is_some() && value.get("value").is_some();
    match value {
        Value::Array(_) => Layer::List,
        value if value.get("privateKeyData").is_some() => Layer::IamAnswer,
        value if has_member(value, "private_key_data", DEPTH) => Layer::Vault,
        value if is_kubernetes(value) => Layer::Kubernetes,
        value if value.get("private_key").is_some_and(Value::is_string) => Layer::Terraform,
        Value::Object(members) if members.values().any(is_output) || is_output(value) => Layer::Terraform,
        _ => Layer::Nested,
    }
}

fn is_kubernetes(value: &Value) -> bool {
    value.get("kind").is_some_and(|kind| kind == "Secret") && value.get("apiVersion").is_some()
}

fn has_member(value: &Value, name: &str, depth: usize) -> bool {
    match value {
        _ if depth == 0 => false,
        Value::Object(members) => {
            members.contains_key(name) || members.values().any(|value| has_member(value, name, depth - 1))
        }
        _ => false,
    }
}

/// How many key files are in `value`.
fn keys_in(value: &Value, depth: usize) -> usize {
    match value {
        _ if depth == 0 => 0,
        Value::Object(_) if is_key_file(value) => 1,
        Value::Object(members) => {
            let is_closed = members.contains_key("type") && !is_kubernetes(value);
            // Terraform's outputs have a type of their own.
            match members.get("value").filter(|_| members.contains_key("sensitive")) {
                Some(value) => keys_in(value, depth - 1),
                None if is_closed => 0,
                None => members.values().map(|value| keys_in(value, depth - 1)).sum(),
            }
        }
        Value::Array(values) => values.iter().map(|value| keys_in(value, depth - 1)).sum(),
        Value::String(text) => keys_in_text(text, depth - 1),
        _ => 0,
    }
}

fn is_key_file(value: &Value) -> bool {
    value.get("type").is_some_and(|kind| kind == "service_account") && value.get("private_key").is_some()
}

fn keys_in_text(text: &str, depth: usize) -> usize {
    let mut inner = Zeroizing::new(text.to_owned());
    for _ in 0..LAYERS {
        let values = Values::of(&inner);
        if !values.0.is_empty() {
            return values.0.iter().map(|value| keys_in(value, depth)).sum();
        }
        match undone(&inner) {
            Some(text) => inner = text,
            None => return 0,
        }
    }
    0
}

/// The document that is no JSON, by how its lines look.
fn named_by_lines(text: &str) -> Option<Layer> {
    let text = text.trim_start();
    if let Some(rest) = text.strip_prefix('{') {
        let rest = rest.trim_start();
        let is_literal = rest.starts_with('\'') || rest.starts_with(|c: char| c.is_ascii_alphabetic());
        return (is_literal && rest.contains("service_account")).then_some(Layer::Literal);
    }
    let mut lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#')).take(LINES);
    let is_toml = |line: &str| matches!(named(line, '='), Some(("type", value)) if is_account(value));
    let is_yaml = |line: &str| {
        let is_type = matches!(named(line, ':'), Some(("type", value)) if is_account(value));
        // A line of JSON has its name in quotes.
        (is_type && !line.starts_with('"')) || is_yaml_secret(text, line)
    };
    lines.find_map(|line| match named(line, '=') {
        _ if is_toml(line) => Some(Layer::Toml),
        _ if is_yaml(line) => Some(Layer::Yaml),
        Some((_, value)) if holds_key(value, text) => Some(Layer::EnvLine),
        _ => match named(line, ':') {
            Some((_, value)) if holds_key(value, text) => Some(Layer::Yaml),
            _ => None,
        },
    })
}

fn is_account(value: &str) -> bool {
    value.trim_matches(['"', '\'', ',']) == "service_account"
}

fn is_yaml_secret(text: &str, line: &str) -> bool {
    line == "kind: Secret" && text.contains("apiVersion:")
}

/// Whether a value, with all that follows it in `text`, is a key file.
fn holds_key(value: &str, text: &str) -> bool {
    let Some(start) = text.find(value).filter(|_| !value.is_empty()) else { return false };
    // A block of YAML begins on the next line.
    let value = text[start..].trim_start_matches(['|', '>', '-']).trim();
    keys_in_text(value, DEPTH) > 0 || value.lines().next().is_some_and(|line| keys_in_text(line, DEPTH) > 0)
}

/// A name and its value: `NAME=value`, `export NAME=value`, `name: value`.
fn named(line: &str, sign: char) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(sign)?;
    let name = ["export ", "set ", "SET ", "ENV ", "$env:", "- "]
        .iter()
        .find_map(|word| name.strip_prefix(word))
        .unwrap_or(name)
        .trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let name = name.trim_matches(['"', '\'']);
    (!name.is_empty() && name.chars().all(is_name)).then(|| (name, value.trim()))
}

/// JSON values one after the other, none if there is anything else. Their texts are wiped when dropped.
struct Values(Vec<Value>);

impl Values {
    fn of(text: &str) -> Self {
        let mut values = Self(Vec::new());
        for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
            match value {
                Ok(value @ (Value::Object(_) | Value::Array(_))) => values.0.push(value),
                _ => return Self(Vec::new()),
            }
        }
        values
    }
}

impl Drop for Values {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(wipe);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        _ => {}
    }
}
