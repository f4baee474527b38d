//! The fake's audience exports: each is ready when it has been looked at twice.

use super::refusal::Refusal;
use super::table::FakeTable;
use super::wire::{self, WireAudienceExport, WireAudienceQuery};
use crate::testing::server::FakeRequest;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The audiences of all properties by resource name, and the exports made of them, in their order.
pub(super) struct Audiences {
    tables: BTreeMap<String, FakeTable>,
    exports: Vec<Export>,
}

struct Export {
    name: String,
    audience: String,
    columns: Vec<usize>,
    /// How often it has been looked at.
    seen: u32,
}

impl Audiences {
    pub(super) fn new(tables: BTreeMap<String, FakeTable>) -> Self {
        Self { tables, exports: Vec::new() }
    }

    pub(super) fn create(&mut self, property: &str, body: &[u8]) -> Result<Value, Refusal> {
        let request: WireAudienceExport = wire::read(body)?;
        let table = self.tables.get(&request.audience);
        let table = table.filter(|_| request.audience.starts_with(&format!("properties/{property}/")));
        let Some(table) = table else {
            return Err(Refusal::NotFound(format!("Audience {} is not found.", request.audience)));
        };
        if request.dimensions.is_empty() {
            return Err(Refusal::Invalid("Dimensions are required.".into()));
        }
        let mut columns = Vec::new();
        for dimension in &request.dimensions {
            let name = &dimension.dimension_name;
            let column = table.dimension(name).ok_or_else(|| {
                Refusal::Invalid(format!("Field {name} is not a valid audience dimension."))
            })?;
            columns.push(column);
        }
        let name = format!("properties/{property}/audienceExports/{}", self.exports.len() + 1);
        self.exports.push(Export { name, audience: request.audience, columns, seen: 0 });
        let export = self.exports.last().map(|export| self.shown(export));
        Ok(json!({
            "name": format!("properties/{property}/operations/{}", self.exports.len()),
            "metadata": {"@type": "type.googleapis.com/google.analytics.data.v1beta.AudienceExportMetadata"},
            "response": export,
        }))
    }

    pub(super) fn get(&mut self, property: &str, id: &str) -> Result<Value, Refusal> {
        let place = self.place(property, id)?;
        self.exports[place].seen += 1;
        Ok(self.shown(&self.exports[place]))
    }

    /// One page, two exports to a page unless `pageSize` says otherwise; the token is a number.
    pub(super) fn list(&self, property: &str, request: &FakeRequest) -> Result<Value, Refusal> {
        let parameter = |name: &str| request.parameter(name).map(|v| v.parse::<usize>()).transpose();
        let invalid = |_| Refusal::Invalid("Invalid pageSize or pageToken.".into());
        let size = parameter("pageSize").map_err(invalid)?.unwrap_or(200).min(1000);
        let start = parameter("pageToken").map_err(invalid)?.unwrap_or(0);
        let parent = format!("properties/{property}/");
        let all: Vec<&Export> = self.exports.iter().filter(|e| e.name.starts_with(&parent)).collect();
        let page: Vec<Value> = all.iter().skip(start).take(size).map(|export| self.shown(export)).collect();
        let mut answer = json!({"audienceExports": page});
        if start + size < all.len() {
            answer["nextPageToken"] = (start + size).to_string().into();
        }
        Ok(answer)
    }

    pub(super) fn query(&self, property: &str, id: &str, body: &[u8]) -> Result<Value, Refusal> {
        let request: WireAudienceQuery = wire::read(body)?;
        let export = &self.exports[self.place(property, id)?];
        if export.seen < 2 {
            return Err(Refusal::Precondition(format!("Audience export {} is not ready.", export.name)));
        }
        let rows = self.tables.get(&export.audience).map(|table| table.rows.as_slice()).unwrap_or_default();
        let (offset, limit) = (request.offset.count("offset")?, request.limit.count("limit")?);
        let limit = if limit == 0 { 10_000 } else { limit.min(250_000) };
        let cells =
            |texts: &[String]| export.columns.iter().map(|c| json!({"value": texts[*c]})).collect::<Vec<_>>();
        let page = rows.iter().skip(offset).take(limit);
        let page: Vec<Value> = page.map(|(texts, _)| json!({"dimensionValues": cells(texts)})).collect();
        Ok(json!({"audienceExport": self.shown(export), "audienceRows": page, "rowCount": rows.len()}))
    }

    fn place(&self, property: &str, id: &str) -> Result<usize, Refusal> {
        let name = format!("properties/{property}/audienceExports/{id}");
        let place = self.exports.iter().position(|export| export.name == name);
        place.ok_or_else(|| Refusal::NotFound(format!("Audience export {name} is not found.")))
    }

    fn shown(&self, export: &Export) -> Value {
        let Some(table) = self.tables.get(&export.audience) else { return json!({}) };
        let name = |column: &usize| json!({"dimensionName": table.dimensions[*column]});
        let mut shown = json!({
            "name": export.name,
            "audience": export.audience,
            "audienceDisplayName": "A fake audience",
            "dimensions": export.columns.iter().map(name).collect::<Vec<_>>(),
            "state": if export.seen < 2 { "CREATING" } else { "ACTIVE" },
            "beginCreatingTime": "2026-01-01T00:00:00Z",
            "creationQuotaTokensCharged": 51,
            "percentageCompleted": if export.seen < 2 { 50 } else { 100 },
        });
        if export.seen >= 2 {
            shown["rowCount"] = table.rows.len().into();
        }
        shown
    }
}
