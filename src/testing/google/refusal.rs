//! Why the fake gives no report.

/// Why there is no report.
pub(super) enum Refusal {
    /// Google would refuse it too; its words.
    Invalid(String),
    /// Google would know.
    Beyond(String),
}
