//! What a chart shows: lines of one unit over the same days.

use crate::sink::Days;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// The metrics of one report that are counted in one unit.
pub(super) struct Panel {
    pub(super) site: String,
    pub(super) report: String,
    /// Empty for plain numbers.
    pub(super) unit: String,
    pub(super) lines: Vec<Line>,
    pub(super) time_zone: String,
    /// The first and the last day that is stored.
    pub(super) days: (Date, Date),
}

/// A metric over time.
pub(super) struct Line {
    pub(super) metric: String,
    /// The figures of days one after the other; a day that is not stored ends a run.
    pub(super) runs: Vec<Vec<(Date, f64)>>,
    /// Figures that are not exact.
    pub(super) doubtful: Vec<(Date, f64)>,
}

impl Panel {
    pub(super) fn title(&self) -> String {
        let (first, last) = self.days;
        format!("{}: {}, {first} to {last}", self.site, self.report)
    }

    /// The largest figure.
    pub(super) fn most(&self) -> f64 {
        let figures = self.lines.iter().flat_map(|line| line.runs.iter().flatten());
        figures.map(|(_, figure)| *figure).fold(0.0, f64::max)
    }

    pub(super) fn has_doubts(&self) -> bool {
        self.lines.iter().any(|line| !line.doubtful.is_empty())
    }
}

/// The panels of a report; none where nothing is stored.
pub(super) fn of_report(site: &str, report: &str, days: &Days) -> Vec<Panel> {
    let (Some((first, _)), Some((last, record))) = (days.first_key_value(), days.last_key_value()) else {
        return Vec::new();
    };
    let mut by_unit: BTreeMap<&str, Vec<Line>> = BTreeMap::new();
    for (metric, unit) in &record.units {
        by_unit.entry(unit).or_default().push(line(metric, days));
    }
    let panel = |(unit, lines): (&str, _)| Panel {
        site: site.to_owned(),
        report: report.to_owned(),
        unit: unit.to_owned(),
        time_zone: record.time_zone.clone(),
        lines,
        days: (*first, *last),
    };
    by_unit.into_iter().map(panel).collect()
}

fn line(metric: &str, days: &Days) -> Line {
    let mut line = Line { metric: metric.to_owned(), runs: Vec::new(), doubtful: Vec::new() };
    let mut previous: Option<Date> = None;
    for (day, record) in days {
        // A day without rows has no totals: nothing was counted.
        let figure = record.totals.get(metric).copied().unwrap_or(0.0);
        let goes_on = previous.and_then(|day| day.tomorrow().ok()) == Some(*day);
        match line.runs.last_mut() {
            Some(run) if goes_on => run.push((*day, figure)),
            _ => line.runs.push(vec![(*day, figure)]),
        }
        if !matches!(record.quality.as_str(), "exact" | "empty") {
            line.doubtful.push((*day, figure));
        }
        previous = Some(*day);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::Record;
    use jiff::Timestamp;
    use jiff::civil::date;

    fn record(day: i8, views: f64, quality: &str) -> (Date, Record) {
        let date = date(2026, 3, day);
        let record = Record {
            date,
            fetched_at: Timestamp::UNIX_EPOCH,
            rows: 1,
            quality: quality.to_owned(),
            tokens: None,
            tokens_left: None,
            time_zone: "Etc/UTC".to_owned(),
            totals: BTreeMap::from([("views".to_owned(), views), ("time".to_owned(), 1.5)]),
            units: BTreeMap::from([("views".to_owned(), String::new()), ("time".to_owned(), "s".to_owned())]),
            definition: String::new(),
        };
        (date, record)
    }

    #[test]
    fn metrics_of_different_units_are_in_different_panels() {
        let days = Days::from([record(1, 7.0, "exact"), record(2, 9.0, "exact")]);
        let panels = of_report("blog", "pages", &days);
        let names: Vec<_> =
            panels.iter().map(|panel| (panel.unit.as_str(), &*panel.lines[0].metric)).collect();
        assert_eq!(names, [("", "views"), ("s", "time")]);
        assert_eq!(panels[0].title(), "blog: pages, 2026-03-01 to 2026-03-02");
        assert_eq!(panels[0].most(), 9.0);
    }

    #[test]
    fn a_day_that_is_not_stored_is_a_gap_and_one_that_is_not_exact_is_marked() {
        let days = Days::from([record(1, 7.0, "exact"), record(2, 9.0, "sampled"), record(4, 3.0, "empty")]);
        let line = line("views", &days);
        let (first, second) = (date(2026, 3, 1), date(2026, 3, 2));
        assert_eq!(line.runs, [vec![(first, 7.0), (second, 9.0)], vec![(date(2026, 3, 4), 3.0)]]);
        assert_eq!(line.doubtful, [(second, 9.0)]);
    }

    #[test]
    fn nothing_stored_is_no_panel() {
        assert!(of_report("blog", "pages", &Days::new()).is_empty());
    }
}
