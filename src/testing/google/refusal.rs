//! Why the fake gives no report.

/// Why there is no report.
pub(super) enum Refusal {
    /// Google would refuse it too; its words.
    Invalid(String),
    /// Google would know.
    Beyond(String),
}

/// What Google adds to a name that it does not know.
pub(super) const FIELDS: &str = "For a list of valid dimensions and metrics, see \
                      https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema";
