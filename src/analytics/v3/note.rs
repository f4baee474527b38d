//! What a translation changed, for its users to know.

use super::names::Field;
use crate::error::scrub;
use std::fmt;

/// What a translation changed, or could not keep. `Display` is one line for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The `ids` of the query: a view of Universal Analytics, which says nothing about a property of GA4.
    View(String),
    /// A field has another name: the name in the query, names that it had in between, and the one in GA4.
    Renamed(Vec<String>),
    /// A field of GA4 means something else, or has other values, than the one in v3.
    #[non_exhaustive]
    Differs {
        /// The field in the query.
        asked: String,
        /// The field in GA4.
        ga4: &'static str,
        /// How it differs.
        how: &'static str,
    },
    /// A parameter that the query does not have, or has at its limit, means something else in GA4.
    #[non_exhaustive]
    Default {
        /// v3's name of the parameter.
        parameter: &'static str,
        /// What the request has, and what GA4 does otherwise.
        how: &'static str,
    },
    /// A parameter of the query has no effect.
    #[non_exhaustive]
    Ignored {
        /// v3's name of the parameter.
        parameter: String,
        /// Why.
        why: &'static str,
    },
    /// Where it is not known what v3 did.
    Unverified(&'static str),
}

impl Note {
    /// What is to be said about a field: that it is called otherwise, that it means something else.
    pub(super) fn of(field: &Field) -> Vec<Self> {
        let Some(row) = field.row else { return Vec::new() };
        let mut notes = Vec::new();
        let between = field.since_2014.into_iter().chain(row.via).map(str::to_owned);
        let mut names = vec![field.asked.clone()];
        names.extend(between);
        names.push(row.ga4.to_owned());
        if names.len() > 2 || row.ua.strip_prefix("ga:") != Some(row.ga4) {
            notes.push(Self::Renamed(names));
        }
        if let Some(how) = row.differs {
            notes.push(Self::Differs { asked: field.asked.clone(), ga4: row.ga4, how });
        }
        notes
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::View(ids) => write!(
                f,
                "{} is a view of Universal Analytics and names no property: the figures are those of the \
                 property that is queried, and only as far back as it has any",
                scrub(ids)
            ),
            Self::Renamed(names) => {
                let names: Vec<String> = names.iter().map(|name| scrub(name)).collect();
                let times = if names.len() > 2 { "renamed more than once" } else { "renamed" };
                write!(f, "{times}: {}", names.join(" -> "))
            }
            Self::Differs { asked, ga4, how } => write!(f, "{ga4} is not quite {}: {how}", scrub(asked)),
            Self::Default { parameter, how } => write!(f, "{parameter}: {how}"),
            Self::Ignored { parameter, why } => write!(f, "{} is ignored: {why}", scrub(parameter)),
            Self::Unverified(what) => write!(f, "not verified: {what}"),
        }
    }
}
