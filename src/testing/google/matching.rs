//! Which requests a fault or an assertion is about.

use crate::testing::server::FakeRequest;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// Requests of a kind, for [`Fault::on`](super::Fault::on) and for assertions about what a
/// [`FakeGoogle`](super::FakeGoogle) received. Every condition that is added narrows it.
///
/// ```
/// use shortway::testing::Matching;
/// use serde_json::json;
///
/// // The second page of a report.
/// let page = Matching::target(":runReport").method("POST").json("/offset", json!("10000"));
/// # let _ = page;
/// ```
#[derive(Clone)]
#[must_use = "it says which requests are meant, and does nothing by itself"]
pub struct Matching {
    what: String,
    conditions: Vec<Arc<Condition>>,
}

type Condition = dyn Fn(&FakeRequest) -> bool + Send + Sync;

impl Matching {
    /// Every request.
    pub fn all() -> Self {
        Self { what: "requests".into(), conditions: Vec::new() }
    }

    /// Requests to the token endpoint.
    pub fn token() -> Self {
        Self::all().and("to the token endpoint", |request| request.path() == "/token")
    }

    /// Requests to the Data API.
    pub fn api() -> Self {
        let is_api = |path: &str| path.starts_with("/v1beta/") || path.starts_with("/v1alpha/");
        Self::all().and("to the API", move |request| is_api(request.path()))
    }

    /// Requests with this text in their path or query: `:runReport`, `/properties/1234`.
    pub fn target(part: impl Into<String>) -> Self {
        let part = part.into();
        Self::all().and(format!("with {part} in the target"), move |request| request.target().contains(&part))
    }

    /// Of them those with this method.
    pub fn method(self, method: impl Into<String>) -> Self {
        let method = method.into();
        self.and(format!("with the method {method}"), move |request| request.method() == method)
    }

    /// Of them those with this header and exactly this value.
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        // The value may be a token: it is not shown.
        self.and(format!("with a certain header {name}"), move |request| {
            request.header(&name) == Some(value.as_str())
        })
    }

    /// Of them those whose JSON has this value at this pointer (RFC 6901): `/dateRanges/0/startDate`.
    pub fn json(self, pointer: impl Into<String>, value: impl Into<Value>) -> Self {
        let (pointer, value) = (pointer.into(), value.into());
        self.and(format!("with {value} at {pointer}"), move |request| {
            request.json().pointer(&pointer) == Some(&value)
        })
    }

    /// Of them those whose form has this field with this value.
    pub fn form(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        self.and(format!("with a certain field {name}"), move |request| {
            request.form(&name).as_ref() == Some(&value)
        })
    }

    /// Of them those for which `condition` holds.
    pub fn when(self, condition: impl Fn(&FakeRequest) -> bool + Send + Sync + 'static) -> Self {
        self.and("with a condition of the test", condition)
    }

    /// Whether the request is one of them.
    #[must_use]
    pub fn matches(&self, request: &FakeRequest) -> bool {
        self.conditions.iter().all(|condition| condition(request))
    }

    fn and(
        mut self,
        what: impl AsRef<str>,
        condition: impl Fn(&FakeRequest) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.what = format!("{} {}", self.what, what.as_ref());
        self.conditions.push(Arc::new(condition));
        self
    }
}

/// What is meant, in words; values that may be secrets left out.
impl fmt::Display for Matching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl fmt::Debug for Matching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Matching").field(&self.what).finish()
    }
}
