//! Downloads days of a report: each day a request with its own date range, five to a call.

use jiff::civil::Date;
use shortway::analytics::{DateRange, Property, Report, ReportRequest};
use shortway::{Error, ErrorKind};

/// How many days one call brings: Google's most, so that each is one batch.
pub(crate) const DAYS_PER_CALL: usize = 5;

/// The property's time zone, an IANA name: from the metadata of the smallest report there is.
pub(crate) fn time_zone(property: &Property, request: &ReportRequest) -> Result<String, Error> {
    let metric = request.metrics.iter().take(1).cloned();
    let smallest = ReportRequest::new().metrics(metric).dates(DateRange::yesterday()).limit(1);
    let report = property.run_report(&smallest)?;
    report.metadata().time_zone.clone().ok_or_else(|| {
        Error::new(ErrorKind::Schema, "the report does not say the property's time zone")
            .with_hint("without it nobody knows when a day ends; look into the property's settings")
    })
}

/// The pages of each of these days, at most [`DAYS_PER_CALL`] of them.
pub(crate) fn days(
    property: &Property,
    request: &ReportRequest,
    days: &[Date],
    rows_per_request: u32,
) -> Vec<Result<Vec<Report>, Error>> {
    let of_day = |day: &Date| {
        let day = day.to_string();
        request.clone().dates(DateRange::new(&day, &day)).limit(rows_per_request.into())
    };
    let requests: Vec<ReportRequest> = days.iter().map(of_day).collect();
    let first_pages = property.batch_run_reports(&requests);
    first_pages.into_iter().zip(&requests).map(|(first, request)| pages(property, request, first?)).collect()
}

/// All pages of a report whose first one is here.
fn pages(property: &Property, request: &ReportRequest, first: Report) -> Result<Vec<Report>, Error> {
    let (there, count) = (first.len() as u64, first.row_count());
    let mut pages = vec![first];
    if there < count {
        for page in property.pages(&request.clone().offset(there)).parallel(1) {
            pages.push(page?);
        }
    }
    if pages.iter().any(|page| page.row_count() != count) {
        return Err(Error::new(ErrorKind::Drift, "the report changed while its pages were downloaded")
            .with_hint("the next run downloads the day again"));
    }
    Ok(pages)
}
