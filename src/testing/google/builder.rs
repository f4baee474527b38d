//! What a fake Google is made of.

use super::FakeGoogle;
use super::audience::Audiences;
use super::shared::{Settings, Shared};
use super::table::FakeTable;
use super::token::Delegation;
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind};
use crate::testing::server::{Bound, Certificate};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// What a fake Google is made of: see [`FakeGoogle::builder`].
#[must_use = "nothing listens before `start`"]
pub struct FakeGoogleBuilder {
    settings: Settings,
    audiences: BTreeMap<String, FakeTable>,
    port: u16,
    is_https: bool,
}

impl FakeGoogleBuilder {
    pub(super) fn new() -> Self {
        let settings = Settings {
            clock: Arc::new(SystemClock),
            token_lifetime: Duration::from_secs(3599),
            takes_self_signed: true,
            delegation: Delegation::All,
            unknown_scopes: Vec::new(),
            properties: BTreeMap::new(),
        };
        Self { settings, audiences: BTreeMap::new(), port: 0, is_https: false }
    }

    /// Adds a property that the account may read, with its rows.
    pub fn property(mut self, id: u64, table: FakeTable) -> Self {
        self.settings.properties.insert(id, table);
        self
    }

    /// Adds an audience by its resource name, `properties/1234/audiences/5`, with a row for each user; the
    /// property is one that was added too. An export of it is ready when it has been looked at twice.
    pub fn audience(mut self, name: impl Into<String>, table: FakeTable) -> Self {
        self.audiences.insert(name.into(), table);
        self
    }

    /// Takes the time from `clock`; by default the system's.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.settings.clock = Arc::new(clock);
        self
    }

    /// How long tokens live, `expires_in`: 3599 s by default, as Google's do.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.token_lifetime = lifetime;
        self
    }

    /// Lets the account act for this user with these scopes; those of several calls add up. From the first call on, other users are
    /// [unknown](super::TokenRefusal::UnknownUser), and other scopes
    /// [refused](super::TokenRefusal::AccessDenied). By default it acts for everybody.
    pub fn delegation<S: Into<String>>(
        mut self,
        user: impl Into<String>,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        let mut users = match self.settings.delegation {
            Delegation::Users(users) => users,
            Delegation::All | Delegation::Nobody => BTreeMap::new(),
        };
        users.entry(user.into()).or_default().extend(scopes.into_iter().map(Into::into));
        self.settings.delegation = Delegation::Users(users);
        self
    }

    /// Lets the account act for nobody: domain-wide delegation is not set up.
    pub fn without_delegation(mut self) -> Self {
        self.settings.delegation = Delegation::Nobody;
        self
    }

    /// Makes this scope one that does not exist. To a request for such scopes only, Google answers 200 with
    /// an ID token and no access token; that is not documented, but recorded answers show it. By default
    /// every scope under `https://www.googleapis.com/auth/` exists.
    pub fn unknown_scope(mut self, scope: impl Into<String>) -> Self {
        self.settings.unknown_scopes.push(scope.into());
        self
    }

    /// Refuses JWTs that a client has signed itself as bearers, which it takes by default as Google does
    /// (AIP-4111): so a client that can do without the token endpoint shows whether it can do with it.
    pub fn without_self_signed(mut self) -> Self {
        self.settings.takes_self_signed = false;
        self
    }

    /// Speaks https, with a certificate for `127.0.0.1` and `localhost` that is made at the start:
    /// [`FakeGoogle::transport`] trusts it, and [`FakeGoogle::root_certificate`] is for other clients.
    pub fn https(mut self) -> Self {
        self.is_https = true;
        self
    }

    /// Listens on this port; by default, and for 0, on one that is free.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Starts to listen on 127.0.0.1.
    ///
    /// # Errors
    /// [`ErrorKind::Other`] when the port is taken, or the system gives none, or no random bytes for the key
    /// of a certificate.
    pub fn start(self) -> Result<FakeGoogle, Error> {
        let failed = |what| Error::new(ErrorKind::Other, what);
        let bound = Bound::new(self.port).map_err(|cause| cannot_listen(self.port, cause))?;
        let no_certificate = || failed("the fake Google cannot make a certificate");
        let certificate = self.is_https.then(|| Certificate::new().ok_or_else(no_certificate)).transpose()?;
        let scheme = if self.is_https { "https" } else { "http" };
        let address = format!("{scheme}://{}", bound.address());
        let shared = Arc::new(Shared::new(address, self.settings, Audiences::new(self.audiences)));
        let ours = Arc::clone(&shared);
        let server = bound.serve(certificate.as_ref(), move |request| ours.reply(request));
        Ok(FakeGoogle { shared, server, certificate })
    }
}

fn cannot_listen(port: u16, cause: io::Error) -> Error {
    let place = if port == 0 { "a free port of 127.0.0.1".into() } else { format!("127.0.0.1:{port}") };
    let message = format!("the fake Google cannot listen on {place}: {cause}");
    let error = Error::new(ErrorKind::Other, message).with_source(cause);
    if port == 0 { error } else { error.with_hint("choose another port, or 0 for one that is free") }
}

impl fmt::Debug for FakeGoogleBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeGoogleBuilder")
            .field("properties", &self.settings.properties.keys())
            .finish_non_exhaustive()
    }
}
