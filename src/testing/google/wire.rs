//! The request of `runReport` as the fake reads it: types of its own, so that a mistake in the client's is
//! seen, and strict, so that nothing is passed over.

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[derive(Default)]
pub(super) struct WireRequest {
    pub(super) property: Option<String>,
    pub(super) dimensions: Vec<WireName>,
    pub(super) metrics: Vec<WireName>,
    pub(super) date_ranges: Vec<WireDateRange>,
    pub(super) dimension_filter: Option<WireExpression>,
    pub(super) metric_filter: Option<Value>,
    pub(super) offset: WireInt64,
    pub(super) limit: WireInt64,
    pub(super) metric_aggregations: Vec<String>,
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
    pub(super) dimension_expression: Option<Value>,
    pub(super) invisible: Option<bool>,
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
    pub(super) numeric_filter: Option<Value>,
    pub(super) between_filter: Option<Value>,
    pub(super) empty_filter: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WireStringFilter {
    pub(super) match_type: Option<String>,
    pub(super) value: String,
    #[serde(default)]
    pub(super) case_sensitive: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WireInListFilter {
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
    pub(super) order_type: Option<String>,
}

/// A 64-bit integer, as a number or as text; 0 when absent.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum WireInt64 {
    Number(i64),
    Text(String),
}

impl Default for WireInt64 {
    fn default() -> Self {
        Self::Number(0)
    }
}
