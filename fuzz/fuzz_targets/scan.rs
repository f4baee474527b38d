//! Any answer to a report request: the scanner for rows in Google's layout and serde give the same report or
//! the same error.
//!
//! Input: the body. The request has the columns `d` and `m`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shortway::Error;
use shortway::analytics::{Report, ReportRequest};

fuzz_target!(|body: &[u8]| {
    let request = ReportRequest::new().dimensions(["d"]).metrics(["m"]);
    let by_scan = seen(Report::from_json(body, &request));
    assert_eq!(by_scan, seen(Report::from_json_by_serde(body, &request)));
});

/// Everything that a report shows, its rows after its other parts.
type Seen = (String, Vec<Vec<String>>);

/// What a report shows, or what an error says.
fn seen(read: Result<Report, Error>) -> Result<Seen, (String, bool)> {
    let report = read.map_err(|error| (error.to_string(), error.is_retryable()))?;
    let rows = report.each_row().map(|row| row.cells().map(str::to_owned).collect());
    Ok((format!("{report:?} {:?}", report.total::<Option<String>>("m").ok()), rows.collect()))
}
