//! The error document of Google's APIs, as a typed cause: `google.rpc.Status` (AIP-193).
//!
//! In: the body of an error response, `{"error": {"code", "message", "status", "details"}}`. Out: the same as
//! a type, each text one line without secrets, the number of details bounded. What is unknown is skipped,
//! never built.

use super::scrub::scrub_secret;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// What an API of Google answered when it refused a request: `google.rpc.Status` (AIP-193). It is the cause
/// of an [`Error`](crate::Error): see [`Error::cause`](crate::Error::cause). Its texts are one line each, of
/// at most 300 characters, without secrets; of each list the first 16 entries are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct GoogleStatus {
    /// The HTTP status, such as 403.
    #[serde(deserialize_with = "or_default")]
    pub code: u16,
    /// The canonical code (`google.rpc.Code`), such as `PERMISSION_DENIED`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// The explanation for developers, in English.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// More about the error, by type.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<StatusDetail>,
}

/// One of the details of a [`GoogleStatus`], with the fields of every type that Google documents
/// (`google/rpc/error_details.proto`); those of other types are empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct StatusDetail {
    /// The type, such as `type.googleapis.com/google.rpc.ErrorInfo`.
    #[serde(rename = "@type", deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub type_url: String,
    /// `ErrorInfo`: the reason, such as `SERVICE_DISABLED`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// `ErrorInfo`: where the reason is defined, such as `googleapis.com`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub domain: String,
    /// `ErrorInfo`: facts by name, such as `quota_limit`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// `BadRequest`: what is wrong with which field of the request.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub field_violations: Vec<StatusViolation>,
    /// `QuotaFailure` and `PreconditionFailure`: what was violated.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<StatusViolation>,
    /// `RetryInfo`: how long to wait before the next attempt, as sent: `30s`, `1.5s`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub retry_delay: String,
    /// `Help`: pages about the error.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<StatusLink>,
}

/// One violation of a [`StatusDetail`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct StatusViolation {
    /// `BadRequest`: the field, such as `dimensions[0].name`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// `QuotaFailure`, `PreconditionFailure`: what the quota or the condition is about.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// The explanation.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// A page about an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct StatusLink {
    /// What the page is about.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its address.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// How many entries of a list are kept: 16. Google sends one to three.
const MAX_ENTRIES: usize = 16;

#[derive(Deserialize)]
struct Envelope {
    error: GoogleStatus,
}

impl GoogleStatus {
    /// Reads the body of an error response; `None` if it holds no such document. `secret` is kept out of
    /// every text.
    pub(crate) fn parse(body: &[u8], secret: &str) -> Option<Self> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let Envelope { error: mut status } = serde_json::from_slice(body).ok()?;
        if status == Self::default() {
            return None;
        }
        status.scrub(&|text| *text = scrub_secret(text, secret));
        Some(status)
    }

    /// The reason of the first `ErrorInfo`, such as `SERVICE_DISABLED`.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.details.iter().map(|detail| detail.reason.as_str()).find(|reason| !reason.is_empty())
    }

    /// A fact of an `ErrorInfo` by its name, such as `quota_limit`.
    #[must_use]
    pub fn metadata(&self, name: &str) -> Option<&str> {
        self.details.iter().find_map(|detail| detail.metadata.get(name)).map(String::as_str)
    }

    /// How long the server asks to wait before the next attempt (`RetryInfo`).
    #[must_use]
    pub fn retry_delay(&self) -> Option<Duration> {
        let seconds = |text: &str| text.strip_suffix('s')?.parse().ok();
        let seconds = self.details.iter().find_map(|detail| seconds(&detail.retry_delay))?;
        Duration::try_from_secs_f64(seconds).ok()
    }

    fn scrub(&mut self, scrub: &dyn Fn(&mut String)) {
        let Self { status, message, details, code: _ } = self;
        scrub(status);
        scrub(message);
        for detail in details {
            let StatusDetail { type_url, reason, domain, retry_delay, .. } = detail;
            [type_url, reason, domain, retry_delay].into_iter().for_each(scrub);
            detail.metadata = std::mem::take(&mut detail.metadata)
                .into_iter()
                .map(|(mut name, mut value)| {
                    scrub(&mut name);
                    scrub(&mut value);
                    (name, value)
                })
                .collect();
            for StatusViolation { field, subject, description } in
                detail.field_violations.iter_mut().chain(&mut detail.violations)
            {
                [field, subject, description].into_iter().for_each(scrub);
            }
            for StatusLink { description, url } in &mut detail.links {
                [description, url].into_iter().for_each(scrub);
            }
        }
    }
}

impl fmt::Display for GoogleStatus {
    /// The code; the explanation is in the text of the [`Error`](crate::Error).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status.as_str(), self.reason()) {
            ("", _) => write!(f, "API error {}", self.code),
            (status, None) => write!(f, "API error {status}"),
            (status, Some(reason)) => write!(f, "API error {status}, reason {reason}"),
        }
    }
}

impl StdError for GoogleStatus {}

/// A field; null or a value of another type is the default: a detail that cannot be read does not cost the
/// message.
fn or_default<'de, T: Lenient, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(Field(PhantomData))
}

/// What can be read from JSON of any type; the default is what JSON of another type becomes.
trait Lenient: Default {
    fn text(_: &str) -> Self {
        Self::default()
    }

    fn number(_: u64) -> Self {
        Self::default()
    }

    fn list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

impl Lenient for String {
    fn text(text: &str) -> Self {
        text.to_owned()
    }
}

impl Lenient for u16 {
    fn number(number: u64) -> Self {
        Self::try_from(number).unwrap_or_default()
    }
}

impl<T: DeserializeOwned> Lenient for Vec<T> {
    /// The first [`MAX_ENTRIES`]; the others are skipped.
    fn list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut kept = Self::new();
        while kept.len() < MAX_ENTRIES {
            match list.next_element()? {
                Some(entry) => kept.push(entry),
                None => return Ok(kept),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(kept)
    }
}

impl Lenient for BTreeMap<String, String> {
    /// The first [`MAX_ENTRIES`]; the others are skipped.
    fn object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let mut kept = Self::new();
        while kept.len() < MAX_ENTRIES {
            match object.next_key()? {
                Some(name) => drop(kept.insert(name, object.next_value_seed(Field(PhantomData))?)),
                None => return Ok(kept),
            }
        }
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(kept)
    }
}

struct Field<T>(PhantomData<T>);

impl<'de, T: Lenient> DeserializeSeed<'de> for Field<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Lenient> Visitor<'de> for Field<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_u64<E>(self, number: u64) -> Result<T, E> {
        Ok(T::number(number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(T::text(text))
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
        T::object(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DISABLED: &str = r#"{"error":{"code":403,"message":"API has not been used.\nEnable it.","status":"PERMISSION_DENIED",
        "details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"SERVICE_DISABLED","domain":"googleapis.com",
        "metadata":{"service":"analyticsdata.googleapis.com","token":"ya29.secret-of-this-call"}},
        {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.5s"},{"@type":"x","new":[[1]]}]}}"#;

    #[test]
    fn document_is_read_with_its_details_and_without_the_secret() {
        let status =
            GoogleStatus::parse(DISABLED.as_bytes(), "ya29.secret-of-this-call").expect("a document");
        assert_eq!((status.code, status.status.as_str()), (403, "PERMISSION_DENIED"));
        assert_eq!(status.message, "API has not been used. Enable it.");
        assert_eq!(status.reason(), Some("SERVICE_DISABLED"));
        assert_eq!(status.metadata("service"), Some("analyticsdata.googleapis.com"));
        assert_eq!(status.metadata("token"), Some("[removed]"));
        assert_eq!(status.retry_delay(), Some(Duration::from_millis(1500)));
        assert_eq!(status.to_string(), "API error PERMISSION_DENIED, reason SERVICE_DISABLED");
        let again = serde_json::to_string(&status).expect("JSON");
        assert_eq!(serde_json::from_str::<GoogleStatus>(&again).expect("the same"), status);
    }

    #[test]
    fn odd_parts_do_not_cost_the_message_and_lists_are_bounded() {
        let odd = r#"{"error":{"code":"403","message":"no","status":null,"details":{"a":1},"errors":[{}]}}"#;
        let status = GoogleStatus::parse(odd.as_bytes(), "").expect("a document");
        assert_eq!((status.code, status.message.as_str(), status.details.len()), (0, "no", 0));
        let many = format!(r#"{{"error":{{"message":"no","details":[{}{{}}]}}}}"#, "{},".repeat(1000));
        assert_eq!(GoogleStatus::parse(many.as_bytes(), "").expect("a document").details.len(), MAX_ENTRIES);
        for none in
            ["", "<html>", "{}", r#"{"error":"invalid_grant"}"#, r#"{"error":{}}"#, r#"{"error":null}"#]
        {
            assert_eq!(GoogleStatus::parse(none.as_bytes(), ""), None, "{none}");
        }
    }
}
