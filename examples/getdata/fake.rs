//! A report from a fake Google on this machine: real HTTP, a real signature, made-up figures.

use shortway::analytics::{Analytics, Property};
use shortway::testing::{FakeGoogle, FakeTable};
use shortway::{Error, scope};
use time::{Duration, OffsetDateTime};

/// The fake, which must be kept, and its property; `is_v3` adds the columns that common names of v3 stand
/// for, which cost time to make up.
pub(crate) fn property(is_v3: bool) -> Result<(FakeGoogle, Property), Error> {
    let google = FakeGoogle::builder().property(1234, made_up_figures(is_v3)).start()?;
    let tokens = shortway::service_account(google.key(), [scope::ANALYTICS_READONLY])
        .token_endpoint(google.token_url())
        .build()?;
    let property = Analytics::new(tokens).with_endpoint(&google.api_url())?.property(1234);
    Ok((google, property))
}

/// The last of each are the columns for v3.
const DIMENSIONS: [&str; 4] = ["date", "pagePath", "country", "pagePathPlusQueryString"];
const METRICS: [&str; 4] = ["screenPageViews", "sessions", "userEngagementDuration", "totalUsers"];

/// A small site over the last 60 days.
fn made_up_figures(is_v3: bool) -> FakeTable {
    let pages = ["/", "/blog", "/blog/hello-world", "/about", "/contact", "/download", "/404"];
    let countries = ["Italy", "Chile", "Japan"];
    let columns = if is_v3 { 4 } else { 3 };
    let mut table = FakeTable::new(DIMENSIONS.into_iter().take(columns), METRICS.into_iter().take(columns));
    for day in 0..60_u32 {
        let date = (OffsetDateTime::now_utc() - Duration::days(day.into())).date();
        let date = format!("{:04}{:02}{:02}", date.year(), u8::from(date.month()), date.day());
        for (p, page) in (1_u32..).zip(pages) {
            for (c, country) in (1_u32..).zip(countries) {
                let sessions = f64::from(1 + (day * 7 + p * 3 + c * 5) % 11) * f64::from(8 - p);
                let users = (sessions * 0.75).ceil();
                let figures = [sessions * 2.0 + f64::from(p), sessions, sessions * 31.5, users];
                let texts = [&date, page, country, page];
                table = table.row(texts.into_iter().take(columns), figures.into_iter().take(columns));
            }
        }
    }
    table
}
