//! What a reader of the figures has to know beside them: where they are not all there is.
//!
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/ResponseMetaData>

use crate::text::escaped;
use shortway::analytics::{Doubt, Report};

/// The longest note, in characters. Part of it is Google's text.
const LONGEST: usize = 300;

/// One line for each doubt about the figures of `report`.
pub(crate) fn of(report: &Report) -> Vec<String> {
    let mut notes = of_page(report);
    if !report.is_empty() && !report.is_complete() {
        let counts = format!("{} of {} rows shown", report.len(), report.row_count());
        notes.insert(0, format!("{counts}, see --limit and --all"));
    }
    notes
}

/// The same for a page, after which others come.
pub(crate) fn of_page(report: &Report) -> Vec<String> {
    let metadata = report.metadata();
    let mut notes = Vec::new();
    if report.is_empty() {
        let reason = metadata.empty_reason.as_ref().map(|reason| format!(": {reason}"));
        notes.push(format!("Analytics has no rows for this report{}", reason.unwrap_or_default()));
    }
    for sample in &metadata.sampling_metadatas {
        let (read, all) = (sample.samples_read_count, sample.sampling_space_size);
        notes.push(format!("the figures are estimates: Google read {read} of {all} events (sampling)"));
    }
    if metadata.subject_to_thresholding == Some(true) {
        notes
            .push("small figures may be withheld so that nobody can be identified (thresholding)".to_owned());
    }
    let has_other_row = || report.quality().doubts.contains(&Doubt::OtherRow);
    if metadata.data_loss_from_other_row || has_other_row() {
        notes.push(
            "the property has too many different values: some rows are merged into a row (other)".to_owned(),
        );
    }
    for reason in &metadata.data_truncation_reasons {
        let text = reason.data_truncation_message.as_deref();
        let text = text.or(reason.data_truncation_type.as_ref().map(|kind| kind.as_str()));
        let days: String = reason
            .data_truncation_date_ranges
            .iter()
            .map(|range| {
                let day = |day: &Option<String>| day.clone().unwrap_or_default();
                format!(" ({} to {})", day(&range.start_date), day(&range.end_date))
            })
            .collect();
        notes.push(format!("data may be missing: {}{days}", text.unwrap_or("Google does not say why")));
    }
    let restricted: Vec<&str> = metadata.restricted_metrics().collect();
    if !restricted.is_empty() {
        let names = restricted.join(", ");
        notes.push(format!("the account may not see these metrics, which come as zeros: {names}"));
    }
    notes.iter().map(|note| shortened(&escaped(note))).collect()
}

fn shortened(note: &str) -> String {
    match note.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &note[..end]),
        None => note.to_owned(),
    }
}
