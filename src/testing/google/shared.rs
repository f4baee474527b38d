//! Which part of the fake a request is for: records it, plays a fault or answers.

use super::answer::Answer;
use super::api;
use super::audience::Audiences;
use super::fault::{self, Fault};
use super::identity;
use super::quota::{FakeQuota, Quotas};
use super::table::FakeTable;
use super::token::{self, Delegation, Granted, Requested, Tokens};
use crate::clock::Clock;
use crate::testing::server::{FakeRequest, Reply};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// What the threads of the server share with the fake.
pub(super) struct Shared {
    pub(super) address: String,
    settings: Settings,
    audiences: Mutex<Audiences>,
    /// By property.
    quotas: Mutex<BTreeMap<String, Quotas>>,
    state: Mutex<State>,
}

/// What the fake was started with.
pub(super) struct Settings {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) token_lifetime: Duration,
    pub(super) takes_self_signed: bool,
    pub(super) delegation: Delegation,
    pub(super) unknown_scopes: Vec<String>,
    pub(super) properties: BTreeMap<u64, FakeTable>,
}

#[derive(Default)]
pub(super) struct State {
    /// Tokens handed out.
    pub(super) tokens: Tokens,
    pub(super) requests: Vec<FakeRequest>,
    pub(super) faults: Vec<Fault>,
}

impl Shared {
    pub(super) fn new(address: String, settings: Settings, audiences: Audiences) -> Self {
        Self {
            address,
            settings,
            audiences: Mutex::new(audiences),
            quotas: Mutex::default(),
            state: Mutex::default(),
        }
    }

    /// The reply to a request, with the fault that waits for it.
    pub(super) fn reply(&self, request: &FakeRequest) -> Reply {
        let fault = {
            let mut state = self.state();
            state.requests.push(request.clone());
            fault::take(&mut state.faults, request)
        };
        let fault = fault.map(|fault| fault.resolved(request));
        let instead = fault.as_ref().and_then(|fault| fault.instead(request));
        if let Some(answer) = &instead {
            self.charge(request, answer);
        }
        let answer = instead.unwrap_or_else(|| self.answer(request));
        let reply = answer.into_reply(request, self.settings.clock.now());
        match fault {
            Some(fault) => fault.spoil(reply),
            None => reply,
        }
    }

    /// Google counts the errors of its servers against the property.
    fn charge(&self, request: &FakeRequest, answer: &Answer) {
        let route = api::route(request.method(), request.path());
        if let Some((property, _)) = route.filter(|_| matches!(answer.status(), 500 | 503)) {
            self.quotas().entry(property.to_owned()).or_default().server_error();
        }
    }

    pub(super) fn set_quota(&self, property: u64, quota: FakeQuota, remaining: i64) {
        let mut quotas = self.quotas();
        quotas.entry(property.to_string()).or_default().set(quota, remaining, self.settings.clock.now());
    }

    fn quotas(&self) -> MutexGuard<'_, BTreeMap<String, Quotas>> {
        self.quotas.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &FakeRequest) -> Answer {
        let now = self.settings.clock.now();
        match (request.method(), request.path()) {
            ("POST", "/token") => self.grant(request, now),
            ("GET" | "POST", "/tokeninfo") => identity::token_info(request, &self.state().tokens, now),
            ("POST", "/revoke") => identity::revoke(request, &mut self.state().tokens),
            ("GET", "/oauth2/v3/certs") => identity::certificates(),
            (method, path) => match api::route(method, path) {
                Some((property, method)) => {
                    self.call(request, property, method, now).unwrap_or_else(|refusal| refusal)
                }
                None => Answer::error_page(404),
            },
        }
    }

    /// The token endpoint.
    fn grant(&self, request: &FakeRequest, now: SystemTime) -> Answer {
        let Settings { token_lifetime, delegation, unknown_scopes, .. } = &self.settings;
        let rules = token::Rules { url: &format!("{}/token", self.address), now, delegation, unknown_scopes };
        match token::check(request, &rules) {
            Ok(Requested::IdToken(audience)) => {
                let token = token::new_id_token(&audience, now, *token_lifetime);
                Answer::json(200, json!({"id_token": token}))
            }
            Ok(Requested::Scope(scope)) => {
                let text = token::new_token();
                let granted = Granted { scope, end: now + *token_lifetime };
                self.state().tokens.insert(text.clone(), granted);
                let body = json!({
                    "access_token": text,
                    "expires_in": token_lifetime.as_secs(),
                    "token_type": "Bearer",
                });
                Answer::json(200, body)
            }
            Err(refusal) => refusal,
        }
    }

    /// The API: checks the token, the property, the request; then evaluates it.
    fn call(
        &self,
        request: &FakeRequest,
        property: &str,
        method: api::Method<'_>,
        now: SystemTime,
    ) -> Result<Answer, Answer> {
        let authorization = request.header("Authorization");
        let Some(token) = authorization.and_then(|v| v.strip_prefix("Bearer ")) else {
            return Err(Answer::missing_token());
        };
        let scope = self.scope_of(token, now).ok_or_else(Answer::invalid_token)?;
        if !scope.split(' ').any(|s| matches!(s, crate::scope::ANALYTICS | crate::scope::ANALYTICS_READONLY))
        {
            return Err(Answer::api(
                403,
                "PERMISSION_DENIED",
                "Request had insufficient authentication scopes.",
                Some("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
            ));
        }
        let table = self.table(property, method).ok_or_else(|| {
            Answer::api(
                403,
                "PERMISSION_DENIED",
                "User does not have sufficient permissions for this property. To learn more about Property ID, see \
                 https://developers.google.com/analytics/devguides/reporting/data/v1/property-id.",
                None,
            )
        })?;
        let mut audiences = self.audiences.lock().unwrap_or_else(PoisonError::into_inner);
        let mut quotas = self.quotas();
        let quotas = quotas.entry(property.to_owned()).or_default();
        let mut call = api::Call { property, request, now, table, quotas, audiences: &mut audiences };
        match api::answer(method, &mut call) {
            Ok(body) => Ok(Answer::json(200, body)),
            Err(refusal) => Err(refusal.into_answer()),
        }
    }

    /// The scopes of a good token.
    fn scope_of(&self, token: &str, now: SystemTime) -> Option<String> {
        let granted = self.state().tokens.get(token).filter(|granted| now < granted.end).cloned();
        let self_signed = || {
            let takes = self.settings.takes_self_signed;
            takes.then(|| token::self_signed_scope(token, &self.address, now)).flatten()
        };
        granted.map(|granted| granted.scope).or_else(self_signed)
    }

    /// The rows of a property that the account may read.
    fn table(&self, property: &str, method: api::Method<'_>) -> Option<&FakeTable> {
        let properties = &self.settings.properties;
        // The fields common to all properties; the fake takes those of its first one.
        if property == "0" && method == api::Method::Metadata {
            return properties.values().next();
        }
        properties.get(&property.parse().ok()?)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Verb, path and query.
pub(super) fn line(request: &FakeRequest) -> String {
    format!("{} {}", request.method(), request.target())
}
