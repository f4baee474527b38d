//! `getPropertyQuotasSnapshot` (v1alpha): all quotas of a property, without a report.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1alpha/properties/getPropertyQuotasSnapshot>

use crate::analytics::answer::PropertyQuota;
use crate::analytics::call::Target;
use crate::analytics::client::Property;
use crate::analytics::document;
use crate::analytics::ledger::Category;
use crate::analytics::wire::{Message, Part, is_default};
use crate::error::Error;
use serde::Serialize;

impl Property {
    /// What is left of each quota of the property, without running a report. The method is in Google's
    /// v1alpha, which may change.
    ///
    /// ```no_run
    /// # fn see(property: &shortway::analytics::Property) -> Result<(), shortway::Error> {
    /// let core = property.quotas_snapshot()?.core_property_quota.unwrap_or_default();
    /// println!("tokens left today: {:?}", core.tokens_per_day.and_then(|tokens| tokens.remaining));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`run_report`](Self::run_report).
    pub fn quotas_snapshot(&self) -> Result<QuotasSnapshot, Error> {
        let path = format!("v1alpha/properties/{}/propertyQuotasSnapshot", self.id());
        let what = "the snapshot of quotas";
        let target = Target { what, property: self.id(), path: &path, body: None, reads: true };
        let snapshot = self.caller().call(target, QuotasSnapshot::from_json)?;
        self.saw_quota(Category::Core, snapshot.core_property_quota.as_ref());
        self.saw_quota(Category::Realtime, snapshot.realtime_property_quota.as_ref());
        Ok(snapshot)
    }
}

/// What is left of each quota of a property. In v1alpha a number that is 0 is left out of the answer; here it
/// is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct QuotasSnapshot {
    /// The resource: `properties/1234/propertyQuotasSnapshot`.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// Of reports, pivot reports, metadata, compatibility checks and new audience exports.
    #[serde(skip_serializing_if = "is_default")]
    pub core_property_quota: Option<PropertyQuota>,
    /// Of realtime reports.
    #[serde(skip_serializing_if = "is_default")]
    pub realtime_property_quota: Option<PropertyQuota>,
    /// Of funnel reports.
    #[serde(skip_serializing_if = "is_default")]
    pub funnel_property_quota: Option<PropertyQuota>,
}

impl QuotasSnapshot {
    /// Reads the body of an answer, for a program with an HTTP client of its own.
    ///
    /// # Errors
    /// [`ErrorKind::Schema`](crate::ErrorKind::Schema) when `body` is no JSON object.
    pub fn from_json(body: &[u8]) -> Result<Self, Error> {
        let snapshot: Self = document::read(body, "snapshot of quotas")?;
        Ok(Self {
            core_property_quota: snapshot.core_property_quota.map(PropertyQuota::with_zeros),
            realtime_property_quota: snapshot.realtime_property_quota.map(PropertyQuota::with_zeros),
            funnel_property_quota: snapshot.funnel_property_quota.map(PropertyQuota::with_zeros),
            name: snapshot.name,
        })
    }
}

impl Message for QuotasSnapshot {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "name" => Some(&mut self.name),
            "corePropertyQuota" => Some(&mut self.core_property_quota),
            "realtimePropertyQuota" => Some(&mut self.realtime_property_quota),
            "funnelPropertyQuota" => Some(&mut self.funnel_property_quota),
            _ => None,
        }
    }
}
