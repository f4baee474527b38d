//! Holds each page against those before it: whether it is whole, and of the same report.
//!
//! In: pages, in their order. Out: nothing, or what is wrong. No network, no clock.

use super::fault::Fault;
use super::resume::{Counting, ResumePoint};
use crate::analytics::report::Report;
use std::collections::HashSet;
use std::hash::RandomState;

/// A page, and a hash of each row's dimensions.
pub(super) struct Page {
    pub(super) report: Report,
    keys: Vec<u64>,
    distinct: u64,
}

/// How far a download is.
pub(super) struct Progress {
    /// The offset of the next page.
    pub(super) offset: u64,
    /// How many rows a page has at most.
    pub(super) limit: u64,
    /// What the first page said.
    first: Option<First>,
    counting: Option<Counting>,
    /// The last row of each page: in no later page, unless rows have moved.
    edges: HashSet<u64>,
    hasher: RandomState,
}

struct First {
    row_count: u64,
    totals: Vec<String>,
}

impl Progress {
    pub(super) fn new(offset: u64, limit: u64) -> Self {
        Self { offset, limit, first: None, counting: None, edges: HashSet::new(), hasher: RandomState::new() }
    }

    pub(super) fn resumed(point: &ResumePoint, limit: u64) -> Self {
        let first = First { row_count: point.row_count, totals: point.totals.clone() };
        Self { first: Some(first), counting: point.counting, ..Self::new(point.offset, limit) }
    }

    pub(super) fn hasher(&self) -> RandomState {
        self.hasher.clone()
    }

    /// How many rows the report has, once a page has said.
    pub(super) fn row_count(&self) -> Option<u64> {
        self.first.as_ref().map(|first| first.row_count)
    }

    /// Whether there is a page at `offset`, as far as is known.
    pub(super) fn has_page_at(&self, offset: u64) -> bool {
        self.row_count().is_none_or(|count| offset < count)
    }

    pub(super) fn resume_point(&self, request: &str) -> Option<ResumePoint> {
        self.first.as_ref().map(|first| ResumePoint {
            offset: self.offset,
            row_count: first.row_count,
            counting: self.counting,
            totals: first.totals.clone(),
            request: request.to_owned(),
        })
    }

    /// Takes the page at the offset, and goes on to the next one.
    pub(super) fn take(&mut self, page: &Page) -> Result<(), Fault> {
        let row_count = self.count(page)?;
        let counting = self.fits(page, row_count)?;
        let totals = page.report.whole_totals();
        if self.first.as_ref().is_some_and(|first| first.totals != totals) {
            return Err(Fault::Totals);
        }
        let repeats_within = page.keys.windows(2).any(|pair| pair[0] == pair[1]);
        if repeats_within || page.keys.iter().any(|key| self.edges.contains(key)) {
            return Err(Fault::Repeated);
        }
        self.first.get_or_insert(First { row_count, totals });
        self.counting = counting;
        self.edges.extend(page.keys.last());
        self.offset = self.offset.saturating_add(self.limit);
        Ok(())
    }

    /// How many rows the report has, by this page and the first one.
    fn count(&self, page: &Page) -> Result<u64, Fault> {
        let rows = page.report.len() as u64;
        let now = match page.report.stated_count() {
            Some(now) => now,
            // A report without rows has no count.
            None if rows == 0 => 0,
            None if rows < self.limit => self.offset.saturating_add(rows),
            None => return Err(Fault::NoCount),
        };
        match self.row_count() {
            None => Ok(now),
            Some(before) if before == now => Ok(now),
            // An empty response in the midst of others may be one that failed.
            Some(before) if rows == 0 && now == 0 => {
                Err(Fault::Short { rows, wanted: self.limit.min(before.saturating_sub(self.offset)) })
            }
            Some(before) => Err(Fault::Count { before, now }),
        }
    }

    /// Whether the page has the rows that a report of so many has there: how they are counted, as far as is
    /// known by now.
    fn fits(&self, page: &Page, row_count: u64) -> Result<Option<Counting>, Fault> {
        let wanted = self.limit.min(row_count.saturating_sub(self.offset));
        let rows = page.report.len() as u64;
        let most = wanted.saturating_mul(page.report.rows_in_one());
        let by_keys = page.distinct == wanted && rows <= most;
        let by_rows = rows == wanted;
        match (by_keys, by_rows, self.counting) {
            (true, true, counting) => Ok(counting),
            (true, false, None | Some(Counting::Keys)) => Ok(Some(Counting::Keys)),
            (false, true, None | Some(Counting::Rows)) => Ok(Some(Counting::Rows)),
            (true, false, Some(Counting::Rows)) | (false, true, Some(Counting::Keys)) => Err(Fault::Counting),
            (false, false, _) if rows > most || page.distinct > wanted => Err(Fault::Long { rows, wanted }),
            (false, false, _) => Err(Fault::Short { rows: page.distinct.min(rows), wanted }),
        }
    }
}

impl Page {
    pub(super) fn new(report: Report, hasher: &RandomState) -> Self {
        let keys = report.keys(hasher, |_| true).collect();
        let distinct = report.distinct();
        Self { report, keys, distinct }
    }
}
