//! The answer of `runPivotReport`, checked against its own headers and the request.

use super::body::{self, list, schema};
use super::expected::Expected;
use super::pivot_headers::PivotHeader;
use super::{DATE_RANGE, write};
use crate::analytics::answer::{Column, ColumnKind, PropertyQuota, ResponseMetadata};
use crate::analytics::table::Table;
use crate::error::Error;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The parts of a pivot report.
#[derive(Clone)]
pub(in crate::analytics) struct PivotBody {
    pub(in crate::analytics) columns: Vec<Column>,
    pub(in crate::analytics) headers: Vec<PivotHeader>,
    pub(in crate::analytics) rows: Table,
    pub(in crate::analytics) aggregates: Table,
    has_metadata: bool,
    pub(in crate::analytics) metadata: ResponseMetadata,
    pub(in crate::analytics) property_quota: Option<PropertyQuota>,
    kind: Option<String>,
}

impl PivotBody {
    pub(in crate::analytics) fn read(body: &[u8], expected: &Expected<'_>) -> Result<Self, Error> {
        let body = body::read(body, expected.kind)?;
        let columns = body::columns(body.dimension_headers, body.metric_headers)?;
        body::fits(&columns, [&body.rows, &body.aggregates])?;
        as_requested(&columns, expected)?;
        Ok(Self {
            columns,
            headers: body.pivot_headers,
            rows: body.rows,
            aggregates: body.aggregates,
            has_metadata: body.metadata.is_some(),
            metadata: body.metadata.unwrap_or_default(),
            property_quota: body.property_quota,
            kind: body.kind,
        })
    }
}

/// The metrics are those requested, in their order; the dimensions are among those requested: one that is
/// only filtered by has no column.
fn as_requested(columns: &[Column], expected: &Expected<'_>) -> Result<(), Error> {
    let names = |wanted: fn(&Column) -> bool| -> Vec<&str> {
        columns.iter().filter(|column| wanted(column)).map(|column| column.name.as_str()).collect()
    };
    let dimensions = names(|column| matches!(column.kind, ColumnKind::Dimension));
    let metrics = names(|column| matches!(column.kind, ColumnKind::Metric(_)));
    let wanted: Vec<&str> = expected
        .metrics
        .iter()
        .filter(|metric| !metric.invisible)
        .map(|metric| metric.name.as_str())
        .collect();
    if metrics != wanted {
        let (found, wanted) = (list(&metrics), list(&wanted));
        return Err(schema(&format!("its metrics are {found}, requested were {wanted}")));
    }
    let is_wanted = |name: &&str| {
        *name == DATE_RANGE || expected.adds(name) || expected.dimensions.iter().any(|d| d.name == **name)
    };
    if dimensions.iter().all(is_wanted) {
        return Ok(());
    }
    let wanted: Vec<&str> = expected.dimensions.iter().map(|dimension| dimension.name.as_str()).collect();
    let (found, wanted) = (list(&dimensions), list(&wanted));
    Err(schema(&format!("its dimensions are {found}, requested were {wanted}")))
}

impl Serialize for PivotBody {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.headers.is_empty() {
            map.serialize_entry("pivotHeaders", &self.headers)?;
        }
        write::headers(&mut map, &self.columns)?;
        write::rows(&mut map, "rows", &self.rows)?;
        write::rows(&mut map, "aggregates", &self.aggregates)?;
        if self.has_metadata {
            map.serialize_entry("metadata", &self.metadata)?;
        }
        if let Some(quota) = &self.property_quota {
            map.serialize_entry("propertyQuota", quota)?;
        }
        if let Some(kind) = &self.kind {
            map.serialize_entry("kind", kind)?;
        }
        map.end()
    }
}

impl Serialize for PivotHeader {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        write::rows(&mut map, "pivotDimensionHeaders", &self.groups)?;
        if self.row_count != 0 {
            map.serialize_entry("rowCount", &self.row_count)?;
        }
        map.end()
    }
}
