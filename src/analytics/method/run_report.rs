//! `runReport`: one page of a report.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/properties/runReport>

use crate::analytics::client::Property;
use crate::analytics::ledger::Category;
use crate::analytics::report::Report;
use crate::analytics::request::ReportRequest;
use crate::error::Error;

impl Property {
    /// Runs a report and reads the whole answer: at most as many rows as the request's limit, or 10,000
    /// ([`Report::is_complete`] tells). Sends nothing but `request` itself, with `prettyPrint=false`, which
    /// halves the answer; sends it again as
    /// [`Analytics::with_retry`](crate::analytics::Analytics::with_retry) says.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config), before anything is sent, when `request` has two
    /// columns of one name; those of the token source, as they came; those of
    /// [`Transport::send`](crate::http::Transport::send); [`ErrorKind::Api`](crate::ErrorKind::Api) when
    /// Analytics refuses (Google's message is in the text; for a 403 the hint names the account, the property
    /// and what to do), [`ErrorKind::Quota`](crate::ErrorKind::Quota),
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable);
    /// [`ErrorKind::Schema`](crate::ErrorKind::Schema) when the response is not a report. [`Error::attempts`]
    /// tells how often the report was requested, unless the error is the token source's.
    pub fn run_report(&self, request: &ReportRequest) -> Result<Report, Error> {
        request.check()?;
        let body = super::json("report request", request)?;
        let read = |body: &[u8]| Report::from_json(body, request);
        let report = self.read("the report", ":runReport", Some(&body), read)?;
        self.saw_quota(Category::Core, report.property_quota());
        Ok(report)
    }
}
