//! The columns that a request asks for, in a table.

use super::refusal::{FIELDS, Refusal};
use super::table::FakeTable;
use super::wire::{WireDimensionExpression, WireName, WireRequest};

/// Where the text of a dimension comes from.
pub(super) enum Source {
    Column(usize),
    LowerCase(usize),
    UpperCase(usize),
    Concatenated(Vec<usize>, String),
}

impl Source {
    /// The text of the dimension in a row of these texts.
    pub(super) fn text(&self, texts: &[String]) -> String {
        match self {
            Self::Column(column) => texts[*column].clone(),
            Self::LowerCase(column) => texts[*column].to_lowercase(),
            Self::UpperCase(column) => texts[*column].to_uppercase(),
            Self::Concatenated(columns, delimiter) => {
                columns.iter().map(|column| texts[*column].as_str()).collect::<Vec<_>>().join(delimiter)
            }
        }
    }
}

pub(super) fn dimensions(table: &FakeTable, request: &WireRequest) -> Result<Vec<Source>, Refusal> {
    let wanted = &request.dimensions;
    at_most(wanted, "dimension", 9)?;
    if wanted.iter().any(|dimension| dimension.expression.is_some() || dimension.invisible.is_some()) {
        return Err(Refusal::Invalid("Invalid JSON payload received. Unknown name at 'dimensions'".into()));
    }
    wanted.iter().map(|dimension| source(table, dimension)).collect()
}

fn source(table: &FakeTable, dimension: &WireName) -> Result<Source, Refusal> {
    let column = |name: &str| table.dimension(name).ok_or_else(|| unknown(name, "dimension"));
    Ok(match &dimension.dimension_expression {
        None => Source::Column(column(&dimension.name)?),
        Some(WireDimensionExpression::LowerCase(of)) => Source::LowerCase(column(&of.dimension_name)?),
        Some(WireDimensionExpression::UpperCase(of)) => Source::UpperCase(column(&of.dimension_name)?),
        Some(WireDimensionExpression::Concatenate(of)) => {
            let columns = of.dimension_names.iter().map(|name| column(name)).collect::<Result<_, _>>()?;
            Source::Concatenated(columns, of.delimiter.clone())
        }
    })
}

pub(super) fn metrics(table: &FakeTable, request: &WireRequest) -> Result<Vec<usize>, Refusal> {
    let wanted = &request.metrics;
    at_most(wanted, "metric", 10)?;
    if wanted.iter().any(|metric| metric.expression.is_some()) {
        return Err(Refusal::Beyond("an expression of metrics".into()));
    }
    if wanted.iter().any(|metric| metric.dimension_expression.is_some()) {
        return Err(Refusal::Invalid("Invalid JSON payload received. Unknown name at 'metrics'".into()));
    }
    wanted.iter().map(|m| table.metric(&m.name).ok_or_else(|| unknown(&m.name, "metric"))).collect()
}

fn at_most(wanted: &[WireName], what: &str, most: usize) -> Result<(), Refusal> {
    if wanted.len() > most {
        return Err(Refusal::Invalid(format!("Requests are limited to {most} {what}s.")));
    }
    Ok(())
}

/// The dimension that a filter names: one of the request, which may be an expression, or a column.
pub(super) fn filtered(table: &FakeTable, request: &WireRequest, name: &str) -> Result<Source, Refusal> {
    match request.dimensions.iter().find(|dimension| dimension.name == name) {
        Some(dimension) => source(table, dimension),
        None => table.dimension(name).map(Source::Column).ok_or_else(|| unknown(name, "dimension")),
    }
}

pub(super) fn unknown(name: &str, what: &str) -> Refusal {
    Refusal::Invalid(format!("Field {name} is not a valid {what}. {FIELDS}"))
}
