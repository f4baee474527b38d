//! What a run tells: bars on a terminal, plain lines anywhere else.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};

/// Lines go to stderr, above the bars where there are any.
pub(crate) struct Progress {
    bars: Option<MultiProgress>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let bars = io::stderr().is_terminal();
        Self { bars: bars.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr())) }
    }

    /// One line. Where it cannot be written, the exit status has to do.
    pub(crate) fn say(&self, line: impl Display) {
        let line = one_line(&line.to_string());
        let _ = match &self.bars {
            Some(bars) => bars.println(line),
            None => writeln!(io::stderr(), "{line}"),
        };
    }

    /// A bar for a site with so many days to download; hidden where there is no terminal.
    pub(crate) fn bar(&self, site: &str, days: usize) -> ProgressBar {
        let Some(bars) = &self.bars else { return ProgressBar::hidden() };
        let bar = bars.add(ProgressBar::new(days as u64)).with_prefix(site.to_owned());
        let style = ProgressStyle::with_template("{prefix:20} {bar:30} {pos}/{len} days {wide_msg}");
        bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    }
}

/// Text of others may hold signs that a terminal obeys.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
