//! A typed client of the Google Analytics Data API (GA4), v1beta: every method of a property.
//!
//! Feature `analytics` (on by default). Requests are plain structs that serialize to exactly Google's JSON; a
//! report gives its rows as the caller's own structs. What this module adds to a request on its own are two
//! things, and [`ReportRequest::new`] shows them before anything is sent: the TOTAL aggregation and
//! `returnPropertyQuota`. [`ReportRequest::effective`] is the JSON as it will be sent. Reference:
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest>.
//!
//! | You have | You need |
//! |---|---|
//! | a source of tokens | [`Analytics::new`], then [`Analytics::property`] |
//! | a property id as text | [`PropertyId`], by `parse` |
//! | a question | [`ReportRequest`] with [`DateRange`], [`OrderBy`], [`FilterExpression`] |
//! | more rows than one answer has | [`Property::pages`] |
//! | a [`Report`] | [`Report::rows`], [`Report::row`], [`Report::total`], [`Report::metadata`] |
//! | a report by `date` with days missing | [`Report::by_day`] |
//! | the body of an answer that another HTTP client got | [`Report::from_json`] |
//! | a query of Core Reporting v3 (`ga:pageviews`) | [`v3::Query`]; the [guide](v3::guide) for an old script |
//!
//! # The methods
//!
//! ```no_run
//! use shortway::analytics::{
//!     AudienceQuery, CompatibilityRequest, DateRange, Pivot, PivotRequest, Property, RealtimeRequest,
//!     ReportRequest,
//! };
//! use std::time::Duration;
//!
//! # fn see(analytics: &shortway::analytics::Analytics, property: &Property) -> Result<(), shortway::Error> {
//! let week = DateRange::last_days(7);
//! let request = ReportRequest::new().dates(week.clone()).dimensions(["country"]).metrics(["sessions"]);
//! let report = property.run_report(&request)?;
//! let all_rows = property.pages(&request).rows::<(String, u64)>(); // page after page, two at a time
//! let reports = property.batch_run_reports(&[request.clone(), request]); // any number, five to a call
//! let now = property.run_realtime_report(&RealtimeRequest::new().metrics(["activeUsers"]))?;
//! let by_two = PivotRequest::new().dates(week).dimensions(["country"]).metrics(["sessions"]);
//! let pivots = property.run_pivot_report(&by_two.pivot(Pivot::new(["country"], 100)))?;
//! let fields = property.metadata()?; // what can be requested
//! let common = analytics.common_metadata()?; // of any property
//! let fits = property.check_compatibility(&CompatibilityRequest::new().metrics(["sessions"]))?;
//! let quotas = property.quotas_snapshot()?;
//! let export = property.create_audience_export("properties/1234/audiences/5", ["deviceId"])?;
//! let export = property.ready_audience_export(&export.name, Duration::from_secs(900))?;
//! let users = property.query_audience_export(&export.name, &AudienceQuery::new())?;
//! let exports = property.audience_exports(None, None)?;
//! # let _ = (report, all_rows, reports, now, pivots, fields, fits, quotas, users, exports, common);
//! # Ok(())
//! # }
//! ```
//!
//! # What the figures are worth, and what they cost
//!
//! ```no_run
//! # use shortway::analytics::{Property, Report};
//! # fn see(property: &Property, report: &Report) -> Result<(), shortway::Error> {
//! for doubt in report.quality().doubts {
//!     eprintln!("note: {doubt}"); // sampled, thresholded, rows merged into (other), …
//! }
//! report.require_exact()?; // makes any of them an error
//! if let Some(quota) = property.last_quota() {
//!     println!("{:?} tokens left today", quota.tokens_per_day.and_then(|tokens| tokens.remaining));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # All rows
//!
//! One answer has at most 250,000 rows. [`Property::pages`] requests them page after page, fetched ahead, in
//! one order without ties, and holds each page against those before it: a download that cannot be right ends
//! with an error and the point where to go on.
//!
//! ```no_run
//! # use shortway::analytics::{Interrupted, Property, ReportRequest};
//! # fn see(property: &Property, request: &ReportRequest) -> Result<(), shortway::Error> {
//! for page in property.pages(request).parallel(4) {
//!     match page {
//!         Ok(page) => println!("{} of {} rows", page.len(), page.row_count()),
//!         Err(error) => match error.cause::<Interrupted>() {
//!             // Keep it (it serializes), and later: property.pages(request).resume(&point)?
//!             Some(Interrupted { resume_point, .. }) => println!("go on at {}", resume_point.offset),
//!             None => return Err(error),
//!         },
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Filters, dates, and what Google adds tomorrow
//!
//! ```
//! use shortway::analytics::{DateRange, FilterExpression, ReportRequest};
//!
//! let blog = FilterExpression::begins_with("pagePath", "/blog");
//! let blog = blog & !FilterExpression::in_list("country", ["Italy", "Chile"]);
//! let request = ReportRequest::new()
//!     .dates(DateRange::last_days(1).look_back(3)) // four days: figures still change for some days
//!     .metrics(["sessions"])
//!     .dimension_filter(blog) // a filter of metrics here is refused before it is sent
//!     .metric_filter(FilterExpression::greater_than("sessions", 10))
//!     .extra("newField", true);
//! println!("{}", request.effective()?);
//! # Ok::<(), shortway::Error>(())
//! ```
//!
//! # What no client can tell
//!
//! An answer that contradicts itself or its request is an error. Some things no answer says:
//!
//! - Whether a day is final. Figures change for some days; those of the last hours are incomplete.
//!   [`DateRange::look_back`] requests them again, [`DateRange::reaches`] tells a range with the running day.
//! - Whether a report changed between two of its pages, where each page is whole, no row comes twice, and row
//!   count and totals stay the same: one row went and another came with the same figures.
//! - What `rowCount` counts where a report has several date ranges: every row, or rows that differ in nothing
//!   but the range once. A download finds it out with the first page for which the two differ.
//! - Whether a page lacks the row of one date range, while a row of the same dimensions in another range is
//!   there.
//! - How many rows thresholds hold back ([`Doubt`] says that they do), and which rows were merged into
//!   `(other)`.
//! - Whether a realtime report is sampled or thresholded: Google sends no metadata with it.
//! - Whether a report is empty because nothing happened or because nothing is collected, where Google gives
//!   no reason ([`ResponseMetadata::empty_reason`]).
//! - Whether figures of users may be added: never over rows; [`Report::total`] is Google's own.
//! - What other programs use of a quota since the last answer, and whether a request whose connection broke
//!   was charged or counted as a server error.
//! - Which quota was met, where neither the message nor the last state of the quotas says so.

mod answer;
mod bucket;
mod call;
mod client;
mod document;
mod gate;
mod ledger;
mod method;
mod pages;
mod property;
mod refusal;
mod report;
mod request;
mod rows;
mod table;
pub mod v3;
mod wire;

pub use answer::{
    ActiveMetricRestriction, Column, ColumnKind, DataTruncationDateRange, DataTruncationReason, EnumValue,
    MetricType, PropertyQuota, QuotaStatus, ResponseMetadata, SamplingMetadata, SchemaRestrictionResponse,
};
pub use client::{Analytics, Property};
pub use method::{
    AudienceDimension, AudienceExport, AudienceExportState, AudienceExports, AudienceQuery, AudienceRows,
    ComparisonMetadata, Compatibility, CompatibilityReport, CompatibilityRequest, DimensionCompatibility,
    DimensionMetadata, Metadata, MetricCompatibility, MetricMetadata, MinuteRange, Pivot, PivotReport,
    PivotRequest, PivotValues, QuotasSnapshot, RealtimeRequest,
};
pub use pages::{Interrupted, PageRows, Pages, ResumePoint};
pub use property::PropertyId;
pub use report::{Doubt, Quality, Report};
pub use request::{
    Cohort, CohortReportSettings, CohortSpec, CohortsRange, Comparison, ComparisonPart, DateRange, Dimension,
    DimensionExpression, Extra, Filter, FilterExpression, FilterTest, Granularity, MatchType, Metric,
    MetricAggregation, NumericOperation, NumericValue, OrderBy, OrderField, OrderType, PivotSelection,
    ReportRequest,
};
pub use rows::{InRow, Row, Rows};
