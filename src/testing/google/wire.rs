//! Requests as the fake reads them: types of its own, so that a mistake in the client's is
//! seen, and strict, so that nothing is passed over.

use super::enums::WireEnum;
use super::refusal::Refusal;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads a request; Google refuses keys that it does not know, and so does this. A null is the same as
/// nothing, and names of fields may be those of protobuf, `date_ranges`.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let invalid = |e| Refusal::Invalid(format!("Invalid JSON payload received. {e}"));
    let mut json = serde_json::from_slice(if body.is_empty() { b"{}" } else { body }).map_err(invalid)?;
    to_plain(&mut json);
    serde_json::from_value(json).map_err(invalid)
}

/// Leaves nulls out, and writes names as JSON has them.
fn to_plain(json: &mut Value) {
    match json {
        Value::Array(items) => items.iter_mut().for_each(to_plain),
        Value::Object(fields) => {
            let given = std::mem::take(fields);
            for (name, mut value) in given.into_iter().filter(|(_, value)| !value.is_null()) {
                to_plain(&mut value);
                fields.insert(camel_case(&name), value);
            }
        }
        _ => {}
    }
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        name + &letters.next().map(|letter| letter.to_ascii_uppercase()).into_iter().collect::<String>()
            + letters.as_str()
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[derive(Default)]
pub(super) struct WireRequest {
    pub(super) property: Option<String>,
    pub(super) dimensions: Vec<WireName>,
    pub(super) metrics: Vec<WireName>,
    pub(super) date_ranges: Vec<WireDateRange>,
    pub(super) dimension_filter: Option<WireExpression>,
    pub(super) metric_filter: Option<WireExpression>,
    pub(super) offset: WireInt64,
    pub(super) limit: WireInt64,
    pub(super) metric_aggregations: Vec<WireEnum>,
    pub(super) order_bys: Vec<WireOrderBy>,
    pub(super) currency_code: Option<String>,
    pub(super) cohort_spec: Option<Value>,
    pub(super) comparisons: Option<Value>,
    pub(super) keep_empty_rows: bool,
    pub(super) return_property_quota: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WireName {
    pub(super) name: String,
    pub(super) expression: Option<Value>,
    pub(super) dimension_expression: Option<WireDimensionExpression>,
    pub(super) invisible: Option<bool>,
}

#[cfg(feature = "analytics")]
impl WireName {
    pub(super) fn of(name: &str) -> Self {
        Self { name: name.into(), expression: None, dimension_expression: None, invisible: None }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) enum WireDimensionExpression {
    LowerCase(WireCase),
    UpperCase(WireCase),
    Concatenate(WireConcatenate),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WireCase {
    pub(super) dimension_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WireConcatenate {
    pub(super) dimension_names: Vec<String>,
    #[serde(default)]
    pub(super) delimiter: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WireDateRange {
    pub(super) start_date: String,
    pub(super) end_date: String,
    pub(super) name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WireMinuteRange {
    pub(super) start_minutes_ago: Option<u32>,
    pub(super) end_minutes_ago: Option<u32>,
    pub(super) name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) enum WireExpression {
    AndGroup(WireGroup),
    OrGroup(WireGroup),
    NotExpression(Box<WireExpression>),
    Filter(WireFilter),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireGroup {
    pub(super) expressions: Vec<WireExpression>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WireFilter {
    pub(super) field_name: String,
    pub(super) string_filter: Option<WireStringFilter>,
    pub(super) in_list_filter: Option<WireInListFilter>,
    pub(super) numeric_filter: Option<WireNumericFilter>,
    pub(super) between_filter: Option<WireBetweenFilter>,
    pub(super) empty_filter: Option<WireEmpty>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireEmpty {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireNumericFilter {
    #[serde(default)]
    pub(super) operation: Option<WireEnum>,
    pub(super) value: WireNumber,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WireBetweenFilter {
    pub(super) from_value: WireNumber,
    pub(super) to_value: WireNumber,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) enum WireNumber {
    Int64Value(WireInt64),
    DoubleValue(f64),
}

impl WireNumber {
    pub(super) fn number(&self) -> Result<f64, Refusal> {
        match self {
            Self::Int64Value(number) => number.read("int64_value").map(|number| number as f64),
            Self::DoubleValue(number) => Ok(*number),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WireStringFilter {
    pub(super) match_type: Option<WireEnum>,
    #[serde(default)]
    pub(super) value: String,
    #[serde(default)]
    pub(super) case_sensitive: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WireInListFilter {
    #[serde(default)]
    pub(super) values: Vec<String>,
    #[serde(default)]
    pub(super) case_sensitive: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WireOrderBy {
    pub(super) metric: Option<WireMetricOrder>,
    pub(super) dimension: Option<WireDimensionOrder>,
    pub(super) pivot: Option<Value>,
    #[serde(default)]
    pub(super) desc: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WireMetricOrder {
    pub(super) metric_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WireDimensionOrder {
    pub(super) dimension_name: String,
    pub(super) order_type: Option<WireEnum>,
}

/// A 64-bit integer, as a number or as text; 0 when absent.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum WireInt64 {
    Number(i64),
    Text(String),
}

impl WireInt64 {
    pub(super) fn read(&self, name: &str) -> Result<i64, Refusal> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
        .ok_or_else(|| Refusal::Invalid(format!("Invalid value at '{name}' (TYPE_INT64)")))
    }

    /// A count of rows.
    pub(super) fn count(&self, name: &str) -> Result<usize, Refusal> {
        usize::try_from(self.read(name)?)
            .map_err(|_| Refusal::Invalid(format!("Invalid value at '{name}' (TYPE_INT64)")))
    }
}

impl Default for WireInt64 {
    fn default() -> Self {
        Self::Number(0)
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct WireRealtimeRequest {
    pub(super) property: Option<String>,
    pub(super) dimensions: Vec<WireName>,
    pub(super) metrics: Vec<WireName>,
    pub(super) dimension_filter: Option<WireExpression>,
    pub(super) metric_filter: Option<WireExpression>,
    pub(super) limit: WireInt64,
    pub(super) metric_aggregations: Vec<WireEnum>,
    pub(super) order_bys: Vec<WireOrderBy>,
    pub(super) return_property_quota: bool,
    pub(super) minute_ranges: Vec<WireMinuteRange>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct WireCompatibilityRequest {
    pub(super) dimensions: Vec<WireName>,
    pub(super) metrics: Vec<WireName>,
    pub(super) dimension_filter: Option<WireExpression>,
    pub(super) metric_filter: Option<WireExpression>,
    pub(super) compatibility_filter: Option<WireEnum>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireBatch<T> {
    pub(super) property: Option<String>,
    #[serde(default = "Vec::new")]
    pub(super) requests: Vec<T>,
}

/// A report without what only `runReport` has, and its pivots.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct WirePivotReport {
    property: Option<String>,
    dimensions: Vec<WireName>,
    metrics: Vec<WireName>,
    date_ranges: Vec<WireDateRange>,
    pivots: Vec<WirePivot>,
    dimension_filter: Option<WireExpression>,
    metric_filter: Option<WireExpression>,
    currency_code: Option<String>,
    cohort_spec: Option<Value>,
    comparisons: Option<Value>,
    keep_empty_rows: bool,
    return_property_quota: bool,
}

#[derive(Deserialize)]
#[serde(from = "WirePivotReport")]
pub(super) struct WirePivotRequest {
    pub(super) pivots: Vec<WirePivot>,
    pub(super) report: WireRequest,
}

impl From<WirePivotReport> for WirePivotRequest {
    fn from(wire: WirePivotReport) -> Self {
        let report = WireRequest {
            property: wire.property,
            dimensions: wire.dimensions,
            metrics: wire.metrics,
            date_ranges: wire.date_ranges,
            dimension_filter: wire.dimension_filter,
            metric_filter: wire.metric_filter,
            currency_code: wire.currency_code,
            cohort_spec: wire.cohort_spec,
            comparisons: wire.comparisons,
            keep_empty_rows: wire.keep_empty_rows,
            return_property_quota: wire.return_property_quota,
            ..WireRequest::default()
        };
        Self { pivots: wire.pivots, report }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct WirePivot {
    pub(super) field_names: Vec<String>,
    pub(super) order_bys: Vec<WireOrderBy>,
    pub(super) offset: WireInt64,
    pub(super) limit: WireInt64,
    pub(super) metric_aggregations: Vec<WireEnum>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireAudienceExport {
    pub(super) audience: String,
    #[serde(default)]
    pub(super) dimensions: Vec<WireAudienceDimension>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WireAudienceDimension {
    pub(super) dimension_name: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WireAudienceQuery {
    pub(super) offset: WireInt64,
    pub(super) limit: WireInt64,
}
