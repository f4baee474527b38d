//! Why the fake gives no answer.

use super::answer::Answer;

/// Why there is no answer.
pub(super) enum Refusal {
    /// Google would refuse it too; its words.
    Invalid(String),
    /// There is no resource of this name.
    NotFound(String),
    /// It is too early.
    Precondition(String),
    /// A quota is empty.
    Exhausted(String),
    /// Google would know.
    Beyond(String),
}

impl Refusal {
    pub(super) fn into_answer(self) -> Answer {
        match self {
            Self::Invalid(message) => Answer::api(400, "INVALID_ARGUMENT", &message, None),
            Self::NotFound(message) => Answer::api(404, "NOT_FOUND", &message, None),
            Self::Precondition(message) => Answer::api(400, "FAILED_PRECONDITION", &message, None),
            Self::Exhausted(message) => Answer::api(429, "RESOURCE_EXHAUSTED", &message, None),
            Self::Beyond(what) => {
                Answer::api(501, "UNIMPLEMENTED", &format!("the fake Google cannot evaluate {what}"), None)
            }
        }
    }
}

/// What Google adds to a name that it does not know.
pub(super) const FIELDS: &str = "For a list of valid dimensions and metrics, see \
                      https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema";
