//! `batchRunReports` and `batchRunPivotReports`: several reports in one call.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/properties/batchRunReports>

use super::pivot::{PivotReport, PivotRequest};
use crate::analytics::answer::PropertyQuota;
use crate::analytics::client::Property;
use crate::analytics::document;
use crate::analytics::ledger::Category;
use crate::analytics::report::Report;
use crate::analytics::request::ReportRequest;
use crate::error::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// How many requests Google takes in one call.
const MOST: usize = 5;

impl Property {
    /// Runs any number of reports, five to a call; the results are in the order of the requests, one for
    /// each.
    ///
    /// Google refuses a call as a whole if one of its requests is wrong: then each of them is sent once by
    /// itself, so that only the wrong ones fail. A request that is refused before anything is sent does not
    /// hinder the others. Any other error, such as a quota that is exhausted, is the result of the requests
    /// of its call, and of those after it, which are not sent. Each report of a call costs the tokens that it
    /// costs by itself.
    ///
    /// ```no_run
    /// use shortway::analytics::{DateRange, ReportRequest};
    ///
    /// # fn see(property: &shortway::analytics::Property) -> Result<(), shortway::Error> {
    /// let week = ReportRequest::new().dates(DateRange::last_days(7)).metrics(["sessions"]);
    /// let by = |name: &str| week.clone().dimensions([name]);
    /// for report in property.batch_run_reports(&[by("country"), by("deviceCategory")]) {
    ///     println!("{} rows", report?.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn batch_run_reports(&self, requests: &[ReportRequest]) -> Vec<Result<Report, Error>> {
        let batch = Batch {
            verb: ":batchRunReports",
            kind: r#""analyticsData#batchRunReports""#,
            check: |request: &ReportRequest| request.check(),
            parse: Report::from_json,
            quota: Report::property_quota,
            alone: &|request| self.run_report(request),
        };
        self.batch(requests, &batch)
    }

    /// The same for pivot reports.
    pub fn batch_run_pivot_reports(&self, requests: &[PivotRequest]) -> Vec<Result<PivotReport, Error>> {
        let batch = Batch {
            verb: ":batchRunPivotReports",
            kind: r#""analyticsData#batchRunPivotReports""#,
            check: |request: &PivotRequest| request.check(),
            parse: PivotReport::from_json,
            quota: PivotReport::property_quota,
            alone: &|request| self.run_pivot_report(request),
        };
        self.batch(requests, &batch)
    }

    fn batch<Q: Serialize, R>(&self, requests: &[Q], batch: &Batch<'_, Q, R>) -> Vec<Result<R, Error>> {
        let mut results: Vec<Option<Result<R, Error>>> =
            requests.iter().map(|request| (batch.check)(request).err().map(Err)).collect();
        let good: Vec<usize> = (0..requests.len()).filter(|i| results[*i].is_none()).collect();
        let mut ended: Option<Error> = None;
        for places in good.chunks(MOST) {
            let found = match &ended {
                Some(error) => places.iter().map(|_| Err(error.clone())).collect(),
                None => self.call_of(places.iter().map(|i| &requests[*i]).collect(), batch, &mut ended),
            };
            for (place, result) in places.iter().zip(found) {
                results[*place] = Some(result);
            }
        }
        // Each place has been filled: the requests that are not good, then all that are.
        results.into_iter().flatten().collect()
    }

    /// One call; sets `ended` when later ones would fail too.
    fn call_of<Q: Serialize, R>(
        &self,
        requests: Vec<&Q>,
        batch: &Batch<'_, Q, R>,
        ended: &mut Option<Error>,
    ) -> Vec<Result<R, Error>> {
        let mut result = match requests[..] {
            [alone] => (batch.alone)(alone).map(|report| vec![Ok(report)]),
            _ => self.several(&requests, batch),
        };
        if requests.len() > 1 && result.as_ref().is_err_and(is_refusal) {
            result = Ok(requests.iter().map(|request| (batch.alone)(request)).collect());
        }
        result.unwrap_or_else(|error| {
            if !is_refusal(&error) {
                *ended = Some(error.clone());
            }
            requests.iter().map(|_| Err(error.clone())).collect()
        })
    }

    fn several<Q: Serialize, R>(
        &self,
        requests: &[&Q],
        batch: &Batch<'_, Q, R>,
    ) -> Result<Vec<Result<R, Error>>, Error> {
        #[derive(Serialize)]
        struct Requests<'q, Q> {
            requests: &'q [&'q Q],
        }
        let body = super::json("batch request", &Requests { requests })?;
        let reports = self.read("the batch of reports", batch.verb, Some(&body), |body| {
            let reports = reports(body, requests.len(), batch.kind)?.into_iter().zip(requests);
            Ok(reports.map(|(report, request)| (batch.parse)(report, request)).collect::<Vec<_>>())
        })?;
        for report in reports.iter().flatten() {
            self.saw_quota(Category::Core, (batch.quota)(report));
        }
        Ok(reports)
    }
}

/// How requests of one kind are checked, sent and read.
struct Batch<'b, Q, R> {
    verb: &'b str,
    /// What the answers say of themselves, as JSON.
    kind: &'b str,
    check: fn(&Q) -> Result<(), Error>,
    parse: fn(&[u8], &Q) -> Result<R, Error>,
    quota: fn(&R) -> Option<&PropertyQuota>,
    alone: &'b dyn Fn(&Q) -> Result<R, Error>,
}

/// Whether Google found fault with the request.
fn is_refusal(error: &Error) -> bool {
    error.kind() == ErrorKind::Api && error.status() == Some(400)
}

/// The bodies of so many reports.
fn reports<'b>(body: &'b [u8], wanted: usize, kind: &str) -> Result<Vec<&'b [u8]>, Error> {
    const WHAT: &str = "batch of reports";
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'b> {
        #[serde(borrow, default)]
        reports: Option<Vec<&'b RawValue>>,
        #[serde(borrow, default)]
        pivot_reports: Option<Vec<&'b RawValue>>,
        #[serde(borrow, default)]
        kind: Option<&'b RawValue>,
    }
    let text = document::text(body, WHAT)?;
    let body: Body<'_> = serde_json::from_str(text).map_err(|error| document::no_json(WHAT, &error))?;
    if body.kind.is_some_and(|found| found.get() != kind) {
        return Err(document::schema(WHAT, "it is the response of another method"));
    }
    let found = body.reports.or(body.pivot_reports).unwrap_or_default();
    if found.len() != wanted {
        let why = format!("it has {} reports, requested were {wanted}", found.len());
        return Err(document::schema(WHAT, &why));
    }
    Ok(found.iter().map(|report| report.get().as_bytes()).collect())
}
