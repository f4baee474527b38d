//! `--all`: every row of the report, page after page.
//!
//! CSV and JSON lines are written as the pages come, so that memory does not grow with the report; a table and
//! one JSON object need all pages first. A bar on a terminal tells how far it is; nothing is shown elsewhere.

use crate::arguments::{Arguments, Format};
use crate::site::Site;
use crate::{Failure, notes, print, say, write_out};
use indicatif::{ProgressBar, ProgressStyle};
use shortway::analytics::ReportRequest;

/// What the bar shows.
const BAR: &str = "{wide_bar} {human_pos} of {human_len} rows, {eta} left";

pub(crate) fn run(arguments: &Arguments, request: &ReportRequest, site: &Site) -> Result<(), Failure> {
    let mut pages = site.property().pages(request).parallel(arguments.parallel);
    let mut next = site.ask("first page", |_| Ok(pages.next()))?;
    // Hidden where stderr is no terminal.
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(BAR).expect("a template"));
    let (mut kept, mut is_first) = (Vec::new(), true);
    while let Some(page) = next {
        let page = page?;
        arguments.check(&page)?;
        bar.set_length(page.row_count());
        bar.inc(page.len() as u64);
        if is_first {
            bar.suspend(|| notes::of_page(&page).into_iter().for_each(|note| say("note", note)));
        }
        let goes_on = match arguments.format {
            Format::Csv => write_out(&print::csv(&page, is_first)?)?,
            Format::Jsonl => write_out(&print::jsonl(&page)?)?,
            Format::Table | Format::Json => {
                kept.push(page);
                true
            }
        };
        if !goes_on {
            return Ok(());
        }
        is_first = false;
        next = pages.next();
    }
    bar.finish_and_clear();
    match arguments.format {
        Format::Csv | Format::Jsonl => Ok(()),
        Format::Table | Format::Json => write_out(&print::reports(&kept, arguments.format)?).map(drop),
    }
}
