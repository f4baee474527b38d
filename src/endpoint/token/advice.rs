//! What a refusal of the token endpoint means, and what to do about it: a table.
//!
//! Codes: <https://developers.google.com/identity/protocols/oauth2/service-account#error-codes>.

use crate::error::ErrorKind;

/// What a refusal means for the caller.
#[derive(Clone, Copy)]
pub(super) struct Fault {
    pub(super) kind: ErrorKind,
    pub(super) hint: Option<&'static str>,
}

/// One row of the table: the code, a word of the description in lower case (empty: any), the advice.
type Row = (&'static str, &'static str, &'static str);

/// The first row that fits counts.
const TABLE: [Row; 20] = [
    (
        "invalid_grant",
        "signature",
        "the key was deleted or disabled, or belongs to another account: create a new key and use its file",
    ),
    ("invalid_grant", "account not found", NO_ACCOUNT),
    ("invalid_grant", "issuer", NO_ACCOUNT),
    ("invalid_grant", "audience", "the audience must be https://oauth2.googleapis.com/token"),
    ("invalid_grant", "email", NO_SUBJECT),
    ("invalid_grant", "user id", NO_SUBJECT),
    ("invalid_grant", "deleted", DISABLED),
    ("invalid_grant", "disabled", DISABLED),
    (
        "invalid_grant",
        "",
        "check that the key file is complete and current, that its account exists, and that the clock of this machine is right",
    ),
    ("invalid_request", "", NOT_UNDERSTOOD),
    ("unsupported_grant_type", "", NOT_UNDERSTOOD),
    ("unsupported_response_type", "", NOT_UNDERSTOOD),
    ("unauthorized_client", "", DELEGATION),
    ("access_denied", "", DELEGATION),
    (
        "admin_policy_enforced",
        "",
        "a policy of the Workspace domain blocks one of the scopes: contact its administrator",
    ),
    ("invalid_scope", "", "check the spelling of the scopes: each is a whole URL"),
    ("disabled_client", "", "the service account or its key is disabled: enable it in the Cloud console"),
    ("deleted_client", "", "the client was deleted: it can be restored within 30 days"),
    ("org_internal", "", "the project accepts only accounts of its own organization"),
    ("invalid_client", "", "the key file does not match the account: download a new key"),
];

const NO_ACCOUNT: &str = "the service account does not exist any more: check `client_email` in the key file";
const NO_SUBJECT: &str = "the subject is not a user of the domain: check the address of the user acted for";
const DISABLED: &str = "the service account was deleted or disabled: check it in the Cloud console";
const NOT_UNDERSTOOD: &str = "the endpoint does not understand the request: check that it is Google's token \
    endpoint, and that the subject is an e-mail address";
const DELEGATION: &str = "authorize the numeric client id of the account for exactly these scopes in the \
    Admin console (domain-wide delegation), which can take a day to become effective; without a subject, check \
    the scopes";

/// What `code` with `description`, under this HTTP status, means.
pub(super) fn of(status: u16, code: &str, description: &str) -> Fault {
    let description = description.to_ascii_lowercase();
    let says = |text: &str| description.contains(text);
    let kind = match code {
        "internal_failure" | "server_error" | "temporarily_unavailable" => ErrorKind::Unavailable,
        _ if says("internal_failure") => ErrorKind::Unavailable,
        _ if status == 429 || says("rate limit") || says("ratelimit") || code == "rate_limit_exceeded" => {
            ErrorKind::Throttled
        }
        _ if (500..=599).contains(&status) => ErrorKind::Unavailable,
        "invalid_grant" if says("short-lived token") || says("reasonable timeframe") => ErrorKind::Clock,
        _ => ErrorKind::Denied,
    };
    let row = TABLE.iter().find(|(of, word, _)| *of == code && says(word));
    Fault { kind, hint: row.map(|(.., advice)| *advice).filter(|_| kind == ErrorKind::Denied) }
}
