//! What the token endpoint says when it refuses: one row for each refusal that Google documents.

use super::answer::Answer;
use serde_json::json;

/// A refusal of the token endpoint, in Google's words.
///
/// The fake finds most of them by itself, as said at each. Any of them can be demanded, whatever the request
/// says: [`Fault::token_refusal`](super::Fault::token_refusal).
///
/// Codes and descriptions: Google's page "Using OAuth 2.0 for server to server applications", section "JWT
/// error codes"; those marked *seen* are not on that page but in public reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenRefusal {
    /// `invalid_grant`, "Invalid JWT Signature.": the key is not this account's, is disabled, deleted or has
    /// expired. The fake finds it.
    InvalidSignature,
    /// `invalid_grant`, "Invalid JWT: Token must be a short-lived token (60 minutes) …": the clock of the
    /// client is wrong, or the assertion is for more than an hour. The fake finds it by its own clock.
    Clock,
    /// `invalid_grant`, "Invalid grant: account not found" (*seen*): there is no such account, or it was
    /// deleted. The fake finds it.
    UnknownAccount,
    /// `invalid_grant`, "Invalid JWT: Failed audience check." (*seen*): the `aud` claim is not the token
    /// endpoint. The fake finds it.
    Audience,
    /// `invalid_grant`, "Invalid email or User ID": there is no such user to act for. The fake finds it for a
    /// subject that is no e-mail address, and for users that
    /// [`delegation`](super::FakeGoogleBuilder::delegation) does not name.
    UnknownUser,
    /// `unauthorized_client`, status 401: the account may not act for users. The fake finds it with
    /// [`without_delegation`](super::FakeGoogleBuilder::without_delegation).
    DelegationNotAllowed,
    /// `unauthorized_client`, status 401: the account may act for users, but for no scope of the request.
    DelegatedScopes,
    /// `access_denied`: a scope of the request is not delegated. The fake finds it for a user of
    /// [`delegation`](super::FakeGoogleBuilder::delegation).
    AccessDenied,
    /// `admin_policy_enforced`: a policy of the user's Workspace blocks a scope.
    AdminPolicy,
    /// `invalid_scope`: no scope, an unknown one, or scopes joined by commas. The fake finds it for scopes
    /// that are not under `https://www.googleapis.com/auth/`.
    InvalidScope,
    /// `invalid_client`: the JWT is malformed, or the client is.
    InvalidClient,
    /// `deleted_client`: the client was deleted; it can be restored for 30 days.
    DeletedClient,
    /// `disabled_client`: the key or the account is disabled.
    DisabledClient,
    /// `org_internal`: the project is for users of its organization only.
    OrganizationOnly,
    /// `invalid_request`, "Bad Request" (*seen*): the assertion cannot be decoded.
    BadRequest,
    /// `unsupported_grant_type`: another grant than a JWT. The fake finds it.
    GrantType,
    /// `internal_failure`, status 500 (*seen*): the fault is Google's; a retry may help.
    InternalFailure,
}

impl TokenRefusal {
    /// All of them, for a test that goes through them.
    pub const ALL: [Self; 17] = [
        Self::InvalidSignature,
        Self::Clock,
        Self::UnknownAccount,
        Self::Audience,
        Self::UnknownUser,
        Self::DelegationNotAllowed,
        Self::DelegatedScopes,
        Self::AccessDenied,
        Self::AdminPolicy,
        Self::InvalidScope,
        Self::InvalidClient,
        Self::DeletedClient,
        Self::DisabledClient,
        Self::OrganizationOnly,
        Self::BadRequest,
        Self::GrantType,
        Self::InternalFailure,
    ];

    /// The HTTP status, the OAuth error code and its description.
    #[must_use]
    pub fn words(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::InvalidSignature => (400, "invalid_grant", "Invalid JWT Signature."),
            Self::Clock => (400, "invalid_grant", TIMEFRAME),
            Self::UnknownAccount => (400, "invalid_grant", "Invalid grant: account not found"),
            Self::Audience => (400, "invalid_grant", "Invalid JWT: Failed audience check."),
            Self::UnknownUser => (400, "invalid_grant", "Invalid email or User ID"),
            Self::DelegationNotAllowed => (401, "unauthorized_client", UNAUTHORIZED),
            Self::DelegatedScopes => (401, "unauthorized_client", "Unauthorized client or scope in request."),
            Self::AccessDenied => (400, "access_denied", "Requested client not authorized."),
            Self::AdminPolicy => {
                (400, "admin_policy_enforced", "A policy of the organization blocks a scope.")
            }
            Self::InvalidScope => {
                (400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")
            }
            Self::InvalidClient => (401, "invalid_client", "The OAuth client was invalid."),
            Self::DeletedClient => (401, "deleted_client", "The OAuth client was deleted."),
            Self::DisabledClient => (401, "disabled_client", "The OAuth client was disabled."),
            Self::OrganizationOnly => {
                (403, "org_internal", "The client is restricted to users within its organization.")
            }
            Self::BadRequest => (400, "invalid_request", "Bad Request"),
            Self::GrantType => (400, "unsupported_grant_type", "Invalid grant_type: "),
            Self::InternalFailure => (500, "internal_failure", "Backend Error"),
        }
    }

    pub(super) fn answer(self) -> Answer {
        let (status, code, description) = self.words();
        Answer::json(status, json!({"error": code, "error_description": description}))
    }
}

const TIMEFRAME: &str = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check \
                         your iat and exp values in the JWT claim.";
const UNAUTHORIZED: &str = "Client is unauthorized to retrieve access tokens using this method, or client not authorized \
                            for any of the scopes requested.";
