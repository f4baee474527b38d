//! Queries of Core Reporting v3, the API of Universal Analytics, answered by GA4.
//!
//! Google switched v3 off on 1 July 2024. A [`Query`] has v3's parameters under v3's names, from parts or
//! pasted; [`Query::translate`] gives a [`ReportRequest`](super::ReportRequest), and [`Note`]s on what
//! changed; [`Translation::answer`] gives the report in the shape that v3's answers had. The [`guide`] goes
//! through an old script line by line.
//!
//! ```no_run
//! use shortway::analytics::v3::Query;
//!
//! # fn see(property: &shortway::analytics::Property) -> Result<(), shortway::Error> {
//! let query: Query = "ids=ga:1234&start-date=30daysAgo&end-date=yesterday\
//!                     &metrics=ga:pageviews,ga:visitors&sort=-ga:pageviews"
//!     .parse()?;
//! let translation = query.translate()?;
//! for note in &translation.notes {
//!     eprintln!("note: {note}"); // renamed more than once: ga:visitors -> ga:users -> totalUsers
//! }
//! let report = property.run_report(&translation.request)?;
//! for (name, total) in translation.answer(&report)?.totals_for_all_results {
//!     println!("{name}: {total}"); // ga:pageviews: 1234
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | v3 | here |
//! |---|---|
//! | `ids`, a view | a property of the caller's choice: [`Query::view`] is the key for a table of views |
//! | names of [`EQUIVALENTS`] and those from before 2014 | today's GA4 names, with a note where they differ |
//! | any other `ga:` name | refused; the hint names the nearest GA4 field, which is written without `ga:` |
//! | `start-date`, `end-date` | the same; before 2015-08-14 refused |
//! | `filters` | a filter of dimensions and one of metrics; `=~` matches any part |
//! | `segment` | refused: reports of GA4 have none |
//! | `max-results`, `start-index` | `limit` and `offset`, by default 1,000 rows, at most 10,000, as in v3 |
//! | `include-empty-rows` | `keep_empty_rows`, on by default; GA4 adds no days without data |
//! | `samplingLevel` | ignored, with a note |

mod answer;
mod date;
mod equivalents;
mod fault;
mod filter;
mod link;
mod names;
mod nearest;
mod note;
mod pasted;
mod python;
mod query;
mod translation;

#[doc = include_str!("guide.md")]
pub mod guide {}

pub use answer::{ColumnHeader, GaData, ProfileInfo};
pub use equivalents::{EQUIVALENTS, Equivalent, FieldKind};
pub use note::Note;
pub use query::Query;
pub use translation::Translation;
