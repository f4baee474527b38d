//! The identity of a source: what its tokens stand for.

use crate::token::TokenKind;
use std::fmt;
use std::sync::Arc;

/// What the tokens of a source stand for: the account, what they allow, and where they come from. Nothing in
/// it is secret. Cloning copies a pointer.
///
/// Two sources with equal identities return interchangeable tokens. The order of scopes and repeated scopes
/// make no difference. The quota project is part of the identity, for it shapes requests, but not of
/// [`same_tokens`](Self::same_tokens), for it does not shape tokens.
///
/// ```
/// use shortway::Identity;
///
/// let identity = Identity::new().with_email("nightly@my-project.iam.gserviceaccount.com").with_scopes(["b", "a", "b"]);
/// assert_eq!(identity.scopes(), ["a", "b"]);
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Identity(Arc<Fields>);

#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Fields {
    email: Option<String>,
    key_id: Option<String>,
    scopes: Vec<String>,
    subject: Option<String>,
    audience: Option<String>,
    target_audience: Option<String>,
    endpoint: Option<String>,
    kind: Option<TokenKind>,
    quota_project_id: Option<String>,
}

impl Identity {
    /// An identity of which nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the account's e-mail address, `name@project.iam.gserviceaccount.com`.
    #[must_use]
    pub fn with_email(self, email: impl Into<String>) -> Self {
        self.with(|fields| fields.email = Some(email.into()))
    }

    /// Sets the id of the signing key, `private_key_id` in key files.
    #[must_use]
    pub fn with_key_id(self, key_id: impl Into<String>) -> Self {
        self.with(|fields| fields.key_id = Some(key_id.into()))
    }

    /// The same with the id of another key, which may have none.
    pub(crate) fn with_key_of(self, key_id: Option<&str>) -> Self {
        if self.key_id() == key_id { self } else { self.with(|f| f.key_id = key_id.map(str::to_owned)) }
    }

    /// Sets the scopes: sorted, without repetitions.
    #[must_use]
    pub fn with_scopes<S: Into<String>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        let mut scopes: Vec<String> = scopes.into_iter().map(Into::into).collect();
        scopes.sort_unstable();
        scopes.dedup();
        self.with(|fields| fields.scopes = scopes)
    }

    /// Sets the user acted for (domain-wide delegation).
    #[must_use]
    pub fn with_subject(self, subject: impl Into<String>) -> Self {
        self.with(|fields| fields.subject = Some(subject.into()))
    }

    /// Sets the audience of assertions, their `aud` claim.
    #[must_use]
    pub fn with_audience(self, audience: impl Into<String>) -> Self {
        self.with(|fields| fields.audience = Some(audience.into()))
    }

    /// Sets the audience that ID tokens are for.
    #[must_use]
    pub fn with_target_audience(self, audience: impl Into<String>) -> Self {
        self.with(|fields| fields.target_audience = Some(audience.into()))
    }

    /// Sets the URL of the token endpoint.
    #[must_use]
    pub fn with_endpoint(self, url: impl Into<String>) -> Self {
        self.with(|fields| fields.endpoint = Some(url.into()))
    }

    /// Sets the kind of the tokens.
    #[must_use]
    pub fn with_kind(self, kind: TokenKind) -> Self {
        self.with(|fields| fields.kind = Some(kind))
    }

    /// Sets the project whose quota requests count against (AIP-4110).
    #[must_use]
    pub fn with_quota_project_id(self, project: impl Into<String>) -> Self {
        self.with(|fields| fields.quota_project_id = Some(project.into()))
    }

    fn with(mut self, set: impl FnOnce(&mut Fields)) -> Self {
        set(Arc::make_mut(&mut self.0));
        self
    }

    /// The account's e-mail address.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// The id of the signing key.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.0.key_id.as_deref()
    }

    /// The scopes, sorted.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.0.scopes
    }

    /// The user acted for (domain-wide delegation).
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// The audience of assertions.
    #[must_use]
    pub fn audience(&self) -> Option<&str> {
        self.0.audience.as_deref()
    }

    /// The audience that ID tokens are for.
    #[must_use]
    pub fn target_audience(&self) -> Option<&str> {
        self.0.target_audience.as_deref()
    }

    /// The URL of the token endpoint.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.0.endpoint.as_deref()
    }

    /// The kind of the tokens.
    #[must_use]
    pub fn kind(&self) -> Option<TokenKind> {
        self.0.kind
    }

    /// The project whose quota requests count against.
    #[must_use]
    pub fn quota_project_id(&self) -> Option<&str> {
        self.0.quota_project_id.as_deref()
    }

    /// Whether a source with the identity `other` returns tokens that this one could have returned: all but
    /// the quota project is equal.
    #[must_use]
    pub fn same_tokens(&self, other: &Self) -> bool {
        let bare = |identity: &Self| identity.clone().with(|fields| fields.quota_project_id = None);
        Arc::ptr_eq(&self.0, &other.0) || bare(self) == bare(other)
    }
}

impl fmt::Debug for Identity {
    /// The fields that are set.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = &*self.0;
        let texts = [
            ("email", &fields.email),
            ("key_id", &fields.key_id),
            ("subject", &fields.subject),
            ("audience", &fields.audience),
            ("target_audience", &fields.target_audience),
            ("endpoint", &fields.endpoint),
            ("quota_project_id", &fields.quota_project_id),
        ];
        let mut debug = f.debug_struct("Identity");
        for (name, text) in texts {
            if let Some(text) = text {
                debug.field(name, text);
            }
        }
        debug.field("scopes", &fields.scopes);
        if let Some(kind) = fields.kind {
            debug.field("kind", &kind);
        }
        debug.finish()
    }
}
