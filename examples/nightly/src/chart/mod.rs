//! Draws each site's metrics over time: an SVG picture, or a page that loads nothing.
//!
//! In: the records of the stored days. Out: a text. Figures are the totals that Google computed for each day,
//! so users are counted once.

mod page;
mod panel;
mod picture;

use crate::config::Config;
use crate::sink::Sink;
use shortway::{Error, ErrorKind};
use std::fs;
use std::path::Path;

/// Draws what is stored into the file `out`: HTML or SVG, by its ending.
///
/// # Errors
/// When the ending is another one, the store cannot be read, nothing is stored, or `out` cannot be written.
pub(crate) fn chart(config: &Config, sink: &mut dyn Sink, out: &Path) -> Result<(), Error> {
    let write = match out.extension().and_then(|ending| ending.to_str()) {
        Some("html") => page::page,
        Some("svg") => picture::all,
        _ => {
            return Err(Error::new(ErrorKind::Config, format!("{} is no chart", out.display()))
                .with_hint("let the name of the file end in .html or .svg"));
        }
    };
    let mut panels = Vec::new();
    for site in &config.sites {
        for report in &site.reports {
            let days = sink.days(&site.name, &report.name)?;
            panels.extend(panel::of_report(&site.name, &report.name, &days));
        }
    }
    if panels.is_empty() {
        return Err(Error::new(ErrorKind::Config, "there is nothing to draw: no day is stored")
            .with_hint("run `nightly` first"));
    }
    let text = write(&panels)?;
    // Written beside it and renamed: a web server never shows half a page.
    let beside = out.with_extension("part");
    let cannot =
        |error| Error::new(ErrorKind::Other, format!("cannot write {}", out.display())).with_source(error);
    fs::write(&beside, text).and_then(|()| fs::rename(&beside, out)).map_err(cannot)
}
