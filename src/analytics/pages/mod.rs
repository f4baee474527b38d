//! All rows of a report, page after page, in one order without ties.
//!
//! In: a request. Out: its pages, each held against those before it. The next pages are requested in threads
//! while the caller works on this one. A download that cannot be right ends with an error, never short.

mod fault;
mod order;
mod progress;
mod resume;

use super::client::Property;
use super::report::{MAX_LIMIT, Report};
use super::request::ReportRequest;
use crate::error::Error;
use fault::Fault;
use progress::{Page, Progress};
pub use resume::{Interrupted, ResumePoint};
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::fmt;
use std::hash::RandomState;
use std::iter::FusedIterator;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::vec;

/// How many rows a page has where the request has no limit: 100,000, some 25 MB in memory. Each page costs a
/// request, and the larger ones Google's quota no more than as many small ones.
const PAGE: u64 = 100_000;

/// How many pages are requested at the same time: 2 by default, so that the next page arrives while this one
/// is read.
const PARALLEL: usize = 2;

/// How many requests at the same time Google grants a property at least.
/// <https://developers.google.com/analytics/devguides/reporting/data/v1/quotas>
const MOST_PARALLEL: usize = 10;

impl Property {
    /// All rows of a report, page after page: an iterator of [`Report`]s.
    ///
    /// `request` is sent with two changes, which [`Pages::effective`] shows. Its `limit` is the number of
    /// rows of a page: 100,000 if it has none, 250,000 at most. And its order is completed: each dimension
    /// that it does not decide is added at its end (with several date ranges `dateRange` too), so that no two
    /// rows tie and each row has one place. `offset` is where the download begins.
    ///
    /// The first page says how many rows there are; after it two pages are requested at the same time
    /// ([`Pages::parallel`]), also while the caller works on a page. So at most three pages are in memory
    /// with the caller's own. No page is requested beyond the last row.
    ///
    /// ```no_run
    /// use shortway::analytics::{DateRange, ReportRequest};
    ///
    /// # fn see(property: &shortway::analytics::Property) -> Result<(), shortway::Error> {
    /// let request = ReportRequest::new()
    ///     .dates(DateRange::last_days(90))
    ///     .dimensions(["date", "pagePath"])
    ///     .metrics(["screenPageViews"]);
    /// for page in property.pages(&request) {
    ///     for row in page?.rows::<(time::Date, &str, u64)>() {
    ///         let (day, path, views) = row?;
    ///         println!("{day} {path} {views}");
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # What is checked
    /// Each page must have the rows that the first page promised. A page that is too short is requested once
    /// more. Every page must state the same number of rows and the same totals of whole numbers; no row may come
    /// twice on a page, and none may be the last row of an earlier page. With several date ranges Google counts rows that differ
    /// in nothing but the range once, in `rowCount`, `limit` and `offset`; a server that counts every row is
    /// understood too, as long as it keeps to it.
    ///
    /// What no client can tell: rows that vanish before the current page while as many new ones appear behind
    /// it, with totals that stay the same; and, with several date ranges, that a page lacks a row of one range
    /// while a row of the same dimensions in another range is there.
    ///
    /// # Errors
    /// Each item may be an error, and after it the iterator ends. Those of
    /// [`run_report`](Self::run_report); [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete) when a page
    /// is short twice; [`ErrorKind::Drift`](crate::ErrorKind::Drift) when the report changes between two
    /// pages. After the first page the error has the point where to go on:
    /// [`cause::<Interrupted>()`](Error::cause).
    #[must_use]
    pub fn pages(&self, request: &ReportRequest) -> Pages {
        let limit = request.limit.filter(|limit| *limit > 0).unwrap_or(PAGE).min(MAX_LIMIT);
        let request = ReportRequest { order_bys: order::complete(request), ..request.clone() }.limit(limit);
        Pages {
            property: self.clone(),
            progress: Progress::new(request.offset, limit),
            request: Arc::new(request),
            parallel: PARALLEL,
            ahead: VecDeque::new(),
            ended: false,
        }
    }
}

/// All rows of a report, page after page: see [`Property::pages`].
///
/// Dropped early, it requests nothing more; what is under way ends in the background.
pub struct Pages {
    property: Property,
    request: Arc<ReportRequest>,
    parallel: usize,
    progress: Progress,
    /// The next pages, in their order.
    ahead: VecDeque<Ahead>,
    ended: bool,
}

/// A page that has been requested.
enum Ahead {
    Thread(JoinHandle<Result<Page, Error>>),
    /// No thread could be started: the page is requested when it is its turn.
    Later,
}

impl Pages {
    /// Requests so many pages at the same time: 2 by default, 1 to 10 (the fewest that Google grants a
    /// property). One more is in memory: the one that the caller has. More than the client's own limit of
    /// requests, 5 by default, wait for each other: see
    /// [`Analytics::with_concurrent_requests`](crate::analytics::Analytics::with_concurrent_requests).
    #[must_use]
    pub fn parallel(mut self, pages: usize) -> Self {
        self.parallel = pages.clamp(1, MOST_PARALLEL);
        self
    }

    /// Goes on where a download of the same request from the same property stopped. The report must have as many rows as it had
    /// then, and the same totals; else the first page is [`ErrorKind::Drift`](crate::ErrorKind::Drift).
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when `point` is of another request or property.
    pub fn resume(mut self, point: &ResumePoint) -> Result<Self, Error> {
        resume::check(point, self.property.id(), &self.request)?;
        self.progress = Progress::resumed(point, self.progress.limit);
        Ok(self)
    }

    /// The JSON of the next page's request.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when the request would be refused before it is sent.
    pub fn effective(&self) -> Result<String, Error> {
        self.request_at(self.progress.offset).effective()
    }

    /// How many rows the report has, once the first page is here. With several date ranges Google counts rows
    /// that differ in nothing but the range once.
    #[must_use]
    pub fn row_count(&self) -> Option<u64> {
        self.progress.row_count()
    }

    /// Where a later download goes on after the pages that were returned; `None` before the first.
    #[must_use]
    pub fn resume_point(&self) -> Option<ResumePoint> {
        self.progress.resume_point(&resume::hash(self.property.id(), &self.request).ok()?)
    }

    /// The rows of all pages, each as a value of the caller's type: see [`Report::rows`] for what a type
    /// takes. The values own their texts; with `rows::<T>()` of each page they can borrow them.
    ///
    /// ```no_run
    /// # fn see(property: &shortway::analytics::Property, request: &shortway::analytics::ReportRequest)
    /// # -> Result<(), shortway::Error> {
    /// for row in property.pages(request).rows::<(String, u64)>() {
    ///     let (path, views) = row?;
    ///     println!("{path} {views}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A row that does not fit the type is an error by itself, its number counted within its page; the rows
    /// after it follow.
    #[must_use]
    pub fn rows<T: DeserializeOwned>(self) -> PageRows<T> {
        PageRows { pages: self, rows: Vec::new().into_iter() }
    }

    fn request_at(&self, offset: u64) -> ReportRequest {
        (*self.request).clone().offset(offset)
    }

    /// Requests the page at `offset`, and waits for it.
    fn fetch(&self, offset: u64) -> Result<Page, Error> {
        fetch(&self.property, &self.request_at(offset), &self.progress.hasher())
    }

    /// The page at the current offset, requested again if it is short.
    fn next_page(&mut self) -> Result<Report, Error> {
        let offset = self.progress.offset;
        let mut page = match self.ahead.pop_front() {
            Some(Ahead::Thread(thread)) => thread.join().unwrap_or_else(|panic| resume_unwind(panic))?,
            Some(Ahead::Later) | None => self.fetch(offset)?,
        };
        let mut taken = self.progress.take(&page);
        if let Err(fault @ Fault::Short { .. }) = taken {
            log::debug!("the page at offset {offset} is requested again: it {fault}");
            page = self.fetch(offset)?;
            taken = self.progress.take(&page);
        }
        taken.map_err(|fault| fault.into_error(self.property.id(), offset))?;
        Ok(page.report)
    }

    /// Requests the pages after this one.
    fn fetch_ahead(&mut self) {
        while self.ahead.len() < self.parallel {
            let pages = self.progress.limit.saturating_mul(self.ahead.len() as u64);
            let offset = self.progress.offset.saturating_add(pages);
            if !self.progress.has_page_at(offset) {
                return;
            }
            let (property, request) = (self.property.clone(), self.request_at(offset));
            let hasher = self.progress.hasher();
            let thread = thread::Builder::new().name("shortway page".into());
            let started = thread.spawn(move || fetch(&property, &request, &hasher));
            self.ahead.push_back(started.map_or(Ahead::Later, Ahead::Thread));
        }
    }
}

fn fetch(property: &Property, request: &ReportRequest, hasher: &RandomState) -> Result<Page, Error> {
    property.run_report(request).map(|report| Page::new(report, hasher))
}

impl Iterator for Pages {
    type Item = Result<Report, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended || !self.progress.has_page_at(self.progress.offset) {
            return None;
        }
        let page = self.next_page();
        match page {
            Ok(page) => {
                self.fetch_ahead();
                // A report without rows is one page.
                self.ended = self.ahead.is_empty();
                Some(Ok(page))
            }
            Err(error) => {
                self.ended = true;
                self.ahead.clear();
                Some(Err(match self.resume_point() {
                    Some(point) => Interrupted::adds(point, error),
                    None => error,
                }))
            }
        }
    }
}

impl FusedIterator for Pages {}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("property", &self.property.id())
            .field("offset", &self.progress.offset)
            .field("row_count", &self.row_count())
            .finish_non_exhaustive()
    }
}

/// The rows of all pages as values of `T`: see [`Pages::rows`].
pub struct PageRows<T> {
    pages: Pages,
    /// Those of the current page.
    rows: vec::IntoIter<Result<T, Error>>,
}

impl<T: DeserializeOwned> Iterator for PageRows<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.rows.next() {
                return Some(row);
            }
            match self.pages.next()? {
                Ok(page) => self.rows = page.rows().collect::<Vec<_>>().into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<T: DeserializeOwned> FusedIterator for PageRows<T> {}

impl<T> fmt::Debug for PageRows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageRows").field("pages", &self.pages).finish_non_exhaustive()
    }
}
