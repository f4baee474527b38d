//! Reads the JSON of a key file.
//!
//! In: text. Out: its [`Fields`], checked, with the key ready to sign; or the [`Fault`] that names the field
//! and never shows its value. serde's own messages quote what they could not read, so each field is read as
//! any value first and its type is checked here.

use super::fault::Fault;
use super::names::{Field, FileType, JsonType};
use super::pem;
use super::rsa::RsaSigner;
use serde::Deserialize;
use serde_json::Value;
use serde_json::error::Category;
use zeroize::Zeroizing;

/// What a key file says.
pub(super) struct Fields {
    pub(super) client_email: String,
    pub(super) key_id: Option<String>,
    pub(super) project_id: Option<String>,
    pub(super) token_uri: Option<String>,
    pub(super) signer: RsaSigner,
}

/// The fields that are read; serde's derive refuses one that is there twice. Other fields are ignored.
#[derive(Deserialize)]
struct Document {
    r#type: Option<Value>,
    client_email: Option<Value>,
    private_key: Option<Value>,
    private_key_id: Option<Value>,
    project_id: Option<Value>,
    token_uri: Option<Value>,
    universe_domain: Option<Value>,
    audience: Option<Value>,
}

/// The token endpoint of a key file without `token_uri`.
const GOOGLE: &str = "https://oauth2.googleapis.com/token";

/// The longest private key: 64 KiB, as a whole key file.
const MAX_PEM: usize = 64 * 1024;

/// The longest e-mail address: 320 bytes (RFC 3696 §3, 64 + 1 + 255).
const MAX_EMAIL: usize = 320;

/// The longest part before the `@`: 64 bytes (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL_PART: usize = 64;

/// The longest key id: 64 bytes. Google's are 40 hexadecimal digits.
const MAX_KEY_ID: usize = 64;

/// The longest project id: 128 bytes. Google's have 30, old ones a domain and a colon in front.
const MAX_PROJECT_ID: usize = 128;

pub(super) fn parse(text: &str) -> Result<Fields, Fault> {
    check_start(text)?;
    let file: Document = serde_json::from_str(text).map_err(|error| not_json(&error))?;
    // First of all into memory that is wiped, whatever is wrong with the rest.
    let private_key = string(Field::PrivateKey, file.private_key).map(|key| key.map(Zeroizing::new));
    // The type is checked before the other fields: those of another type can name files, programs and
    // servers.
    check_type(string(Field::Type, file.r#type)?)?;
    let client_email =
        string(Field::ClientEmail, file.client_email)?.ok_or(Fault::Missing(Field::ClientEmail))?;
    check_email(&client_email)?;
    let private_key = private_key?.ok_or(Fault::Missing(Field::PrivateKey))?;
    let key_id = given(string(Field::PrivateKeyId, file.private_key_id)?);
    check_key_id(key_id.as_deref())?;
    let project_id = given(string(Field::ProjectId, file.project_id)?);
    check_project_id(project_id.as_deref())?;
    let token_uri = given(string(Field::TokenUri, file.token_uri)?);
    check_universe(given(string(Field::UniverseDomain, file.universe_domain)?))?;
    check_audience(given(string(Field::Audience, file.audience)?), token_uri.as_deref())?;
    Ok(Fields { client_email, key_id, project_id, token_uri, signer: signer(&private_key)? })
}

/// What signs with the private key in a PEM text, the value of `private_key`.
pub(super) fn signer(private_key: &str) -> Result<RsaSigner, Fault> {
    if private_key.len() > MAX_PEM {
        return Err(Fault::TooLarge);
    }
    RsaSigner::from_der(&pem::decode(private_key)?)
}

/// Recognises the usual wrong files by how they begin.
fn check_start(text: &str) -> Result<(), Fault> {
    let start = text.trim_start();
    if start.starts_with('{') {
        Ok(())
    } else if start.is_empty() {
        Err(Fault::Empty)
    } else if start.starts_with("-----BEGIN") {
        Err(Fault::BarePem)
    } else if start.starts_with("ew") || start.starts_with("eyJ") {
        Err(Fault::Base64)
    } else {
        Err(Fault::NotObject)
    }
}

fn not_json(error: &serde_json::Error) -> Fault {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let is_twice = |field: &Field| text.starts_with(&format!("duplicate field `{}`", field.name()));
    match error.classify() {
        Category::Eof => Fault::EndsEarly { line, column },
        // Each field takes any value, so the only data error is a field that is there twice.
        Category::Data => match Field::ALL.into_iter().find(is_twice) {
            Some(field) => Fault::Twice { field, line, column },
            None => Fault::NotJson { line, column },
        },
        // serde_json has one fixed text for this, without input in it.
        _ if text.starts_with("control character") => Fault::LineBreak { line, column },
        _ => Fault::NotJson { line, column },
    }
}

fn string(field: Field, value: Option<Value>) -> Result<Option<String>, Fault> {
    let found = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => return Ok(Some(text)),
        Some(Value::Bool(_)) => JsonType::Boolean,
        Some(Value::Number(_)) => JsonType::Number,
        Some(Value::Array(_)) => JsonType::Array,
        Some(Value::Object(_)) => JsonType::Object,
    };
    Err(Fault::NotString(field, found))
}

/// An empty optional field is an absent one.
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn check_type(found: Option<String>) -> Result<(), Fault> {
    match found.as_deref() {
        Some("service_account") => Ok(()),
        Some(other) => Err(Fault::OtherType(FileType::of(other))),
        None => Err(Fault::Missing(Field::Type)),
    }
}

/// Google's addresses are in lower case, so that no piece of base64 passes for one: `Debug` and logs show the
/// address. A project of a domain has a colon in the local part
/// (`example.com:project@appspot.gserviceaccount.com`).
pub(super) fn check_email(email: &str) -> Result<(), Fault> {
    let (local, domain) = email.split_once('@').ok_or(Fault::Email)?;
    let fits =
        is_id(local, MAX_LOCAL_PART, b".-_:") && is_id(domain, MAX_EMAIL, b".-_") && email.len() <= MAX_EMAIL;
    if fits { Ok(()) } else { Err(Fault::Email) }
}

pub(super) fn check_key_id(id: Option<&str>) -> Result<(), Fault> {
    if id.is_none_or(|id| is_id(id, MAX_KEY_ID, b"-_")) { Ok(()) } else { Err(Fault::KeyId) }
}

fn check_project_id(id: Option<&str>) -> Result<(), Fault> {
    if id.is_none_or(|id| is_id(id, MAX_PROJECT_ID, b"-.:")) { Ok(()) } else { Err(Fault::ProjectId) }
}

/// Whether `id` can be shown: lower case, digits and `more`, so that it is not a piece of a key in base64.
fn is_id(id: &str, max: usize, more: &[u8]) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || more.contains(&b);
    !id.is_empty() && id.len() <= max && id.bytes().all(plain)
}

fn check_universe(domain: Option<String>) -> Result<(), Fault> {
    match domain.as_deref() {
        None | Some("googleapis.com") => Ok(()),
        Some(_) => Err(Fault::Universe),
    }
}

/// golang/oauth2 takes the audience of assertions from this field; Google's files do not have it. A file must
/// not choose for whom its key signs, so only the audience that is used anyway passes.
fn check_audience(audience: Option<String>, token_uri: Option<&str>) -> Result<(), Fault> {
    match audience {
        Some(audience) if audience != token_uri.unwrap_or(GOOGLE) => Err(Fault::Audience),
        _ => Ok(()),
    }
}
