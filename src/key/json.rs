//! Reads the JSON of a key file.
//!
//! In: text. Out: a [`ServiceAccountKey`], or an error that names the field and never shows its value:
//! serde's own messages quote what they could not read, so each field is taken as a value first and its
//! type is checked here.

use super::{Inner, ServiceAccountKey, pem, rsa};
use crate::error::{Error, ErrorKind};
use serde::Deserialize;
use serde_json::Value;
use serde_json::error::Category;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The fields that matter; a repeated one is refused by serde's derive.
#[derive(Deserialize)]
struct KeyFile {
    r#type: Option<Value>,
    client_email: Option<Value>,
    private_key: Option<Value>,
    private_key_id: Option<Value>,
    project_id: Option<Value>,
    token_uri: Option<Value>,
    universe_domain: Option<Value>,
}

const FIELDS: [&str; 7] =
    ["type", "client_email", "private_key", "private_key_id", "project_id", "token_uri", "universe_domain"];

const DOWNLOAD: &str = "download a JSON key for the service account in the Google Cloud console (IAM & Admin, Service Accounts, Keys)";

/// The longest e-mail address taken: 320 bytes (RFC 3696 §3, 64 + 1 + 255).
const MAX_EMAIL: usize = 320;

/// The longest part before the `@`: 64 bytes (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL_PART: usize = 64;

/// The longest key id taken: 64 bytes. Google's are 40 hexadecimal digits.
const MAX_KEY_ID: usize = 64;

/// The longest project id taken: 128 bytes. Google's are 30, old ones have a domain and a colon in front.
const MAX_PROJECT_ID: usize = 128;

pub(super) fn parse(text: &str) -> Result<ServiceAccountKey, Error> {
    check_start(text)?;
    let file: KeyFile = serde_json::from_str(text).map_err(|e| not_json(&e))?;
    check_type(file.r#type)?;
    let missing = |name: &str| {
        Error::new(ErrorKind::Config, format!("the key file has no field `{name}`")).with_hint(DOWNLOAD)
    };
    let client_email = string("client_email", file.client_email)?.ok_or_else(|| missing("client_email"))?;
    check_email(&client_email)?;
    let private_key =
        Zeroizing::new(string("private_key", file.private_key)?.ok_or_else(|| missing("private_key"))?);
    let key_id = string("private_key_id", file.private_key_id)?;
    check_key_id(key_id.as_deref())?;
    let project_id = string("project_id", file.project_id)?;
    check_project_id(project_id.as_deref())?;
    let token_uri = string("token_uri", file.token_uri)?;
    check_universe(string("universe_domain", file.universe_domain)?)?;
    let signer = rsa::RsaSigner::from_der(&pem::decode(&private_key)?)?;
    Ok(ServiceAccountKey(Arc::new(Inner {
        client_email,
        key_id,
        project_id,
        token_uri,
        signer: Box::new(signer),
    })))
}

/// Tells the usual wrong files by how they begin.
fn check_start(text: &str) -> Result<(), Error> {
    let start = text.trim_start();
    let (what, hint) = if start.starts_with('{') {
        return Ok(());
    } else if start.is_empty() {
        ("the key file is empty", DOWNLOAD)
    } else if start.starts_with("-----BEGIN") {
        (
            "the key file is a bare PEM key, not the JSON around it",
            "the account's e-mail address is needed too: give the whole JSON key file as it was downloaded",
        )
    } else if start.starts_with("ew") || start.starts_with("eyJ") {
        ("the key file is base64, not the JSON itself", "decode it first: base64 -d")
    } else {
        ("the key file is not a JSON object", DOWNLOAD)
    };
    Err(Error::new(ErrorKind::Config, what).with_hint(hint))
}

fn not_json(error: &serde_json::Error) -> Error {
    let (line, column) = (error.line(), error.column());
    let message = match error.classify() {
        Category::Eof => format!("the key file ends in the middle (line {line}, column {column})"),
        // Every field takes any value, so what is left is a field that stands there twice.
        Category::Data => {
            let text = error.to_string();
            let name = FIELDS.iter().find(|name| text.starts_with(&format!("duplicate field `{name}`")));
            format!(
                "the key file has the field `{}` twice (line {line}, column {column})",
                name.unwrap_or(&"?")
            )
        }
        // serde's words are fixed for this one, and hold nothing of the input.
        _ if error.to_string().starts_with("control character") => {
            let message =
                format!("the key file has a line break inside a text (line {line}, column {column})");
            return Error::new(ErrorKind::Config, message).with_hint(
                "line breaks inside `private_key` are written \\n, as in the file that was downloaded",
            );
        }
        _ => format!("the key file is not valid JSON (line {line}, column {column})"),
    };
    Error::new(ErrorKind::Config, message).with_hint(DOWNLOAD)
}

/// The type is believed first: the other fields of another type can name files, programs and servers.
fn check_type(found: Option<Value>) -> Result<(), Error> {
    let wrong = |message: String, hint: &str| Err(Error::new(ErrorKind::Config, message).with_hint(hint));
    match found {
        Some(Value::String(t)) if t == "service_account" => Ok(()),
        Some(Value::String(t)) => {
            let hint = match t.as_str() {
                "authorized_user" => {
                    "it is a person's login, made by `gcloud auth application-default login`; \
                     an unattended program needs a service account's key file"
                }
                "external_account"
                | "impersonated_service_account"
                | "external_account_authorized_user"
                | "gdch_service_account" => {
                    "this crate reads only service account keys; gcp_auth and google-cloud-auth read this type"
                }
                _ => DOWNLOAD,
            };
            // Types are short lower-case words. Anything else may be the key, pasted into the wrong field.
            let is_word = t.len() <= 40 && t.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            let shown = if is_word { format!("of type `{t}`") } else { "of an unknown type".into() };
            wrong(format!("the key file is {shown}, not `service_account`"), hint)
        }
        Some(other) => {
            wrong(format!("the field `type` of the key file is {}, not a string", name_of(&other)), DOWNLOAD)
        }
        None => wrong(
            "the key file has no field `type`".into(),
            "a service account's key file says \"type\": \"service_account\"; \
             a file with `web` or `installed` in it is an OAuth client, which cannot act on its own",
        ),
    }
}

fn string(name: &str, value: Option<Value>) -> Result<Option<String>, Error> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(Error::new(
            ErrorKind::Config,
            format!("the field `{name}` of the key file is {}, not a string", name_of(&other)),
        )
        .with_hint(DOWNLOAD)),
    }
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

pub(super) fn check_email(email: &str) -> Result<(), Error> {
    let (local, domain) = email.split_once('@').unwrap_or((email, ""));
    // Google's are in lower case. `Debug` and logs show the address, and a piece of base64 is never all lower case.
    let plain = email.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"@.-_".contains(&b));
    if !plain
        || local.is_empty()
        || local.len() > MAX_LOCAL_PART
        || domain.is_empty()
        || domain.contains('@')
        || email.len() > MAX_EMAIL
    {
        return Err(Error::new(ErrorKind::Config, "the field `client_email` is not an e-mail address")
            .with_hint("it looks like name@project.iam.gserviceaccount.com"));
    }
    Ok(())
}

pub(super) fn check_key_id(id: Option<&str>) -> Result<(), Error> {
    if id.is_some_and(|id| !is_id(id, MAX_KEY_ID, b"-_")) {
        return Err(Error::new(ErrorKind::Config, "the field `private_key_id` is not a key id")
            .with_hint("it is 40 hexadecimal digits; leave the field out if it is not known"));
    }
    Ok(())
}

fn check_project_id(id: Option<&str>) -> Result<(), Error> {
    if id.is_some_and(|id| !is_id(id, MAX_PROJECT_ID, b"-.:")) {
        return Err(Error::new(ErrorKind::Config, "the field `project_id` is not a project id")
            .with_hint("it looks like my-project-123; leave the field out if it is not known"));
    }
    Ok(())
}

/// Whether `id` can be shown: lower case, digits and `more`, so that it is no piece of a key in base64.
fn is_id(id: &str, max: usize, more: &[u8]) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || more.contains(&b);
    !id.is_empty() && id.len() <= max && id.bytes().all(plain)
}

fn check_universe(domain: Option<String>) -> Result<(), Error> {
    match domain.as_deref() {
        None | Some("" | "googleapis.com") => Ok(()),
        Some(_) => Err(Error::new(
            ErrorKind::Config,
            "the key file belongs to another universe than googleapis.com (field `universe_domain`)",
        )
        .with_hint("only googleapis.com is supported")),
    }
}
