//! The order of a fake report's rows.

use super::enums::ORDER_TYPE;
use super::refusal::Refusal;
use super::wire::{WireOrderBy, WireRequest};
use ring::rand::{SecureRandom, SystemRandom};
use std::cmp::Ordering;

/// A group of rows: what it is grouped by, the date range last if there are several, and its sums.
#[derive(Clone)]
pub(super) struct Group {
    pub(super) dimensions: Vec<String>,
    pub(super) sums: Vec<f64>,
}

/// Orders the groups; those that tie stand in an order drawn anew for each request, as Google promises none.
pub(super) fn sort(
    groups: &mut [Group],
    order_bys: &[WireOrderBy],
    request: &WireRequest,
    several: bool,
) -> Result<(), Refusal> {
    shuffle(groups);
    let mut keys = Vec::new();
    for order in order_bys {
        let unknown = |name: &str| Refusal::Invalid(format!("OrderBy field {name} is not in the request."));
        let key = match order {
            WireOrderBy { metric: Some(by), dimension: None, pivot: None, .. } => {
                let place = request.metrics.iter().position(|m| m.name == by.metric_name);
                Key::Metric(place.ok_or_else(|| unknown(&by.metric_name))?)
            }
            WireOrderBy { dimension: Some(by), metric: None, pivot: None, .. } => {
                let name = &by.dimension_name;
                let place = request.dimensions.iter().position(|d| d.name == *name);
                let place =
                    place.or_else(|| (several && name == "dateRange").then_some(request.dimensions.len()));
                let place = place.ok_or_else(|| unknown(name))?;
                let order_type = by.order_type.as_ref().map(|t| t.name(ORDER_TYPE, "order_type"));
                match order_type.transpose()?.flatten() {
                    Some("CASE_INSENSITIVE_ALPHANUMERIC") => Key::Folded(place),
                    Some("NUMERIC") => Key::Number(place),
                    _ => Key::Text(place),
                }
            }
            _ => return Err(Refusal::Beyond("an order other than by one metric or dimension".into())),
        };
        keys.push((key, order.desc));
    }
    if keys.is_empty() && !request.metrics.is_empty() {
        keys.push((Key::Metric(0), true));
    }
    groups.sort_by(|a, b| {
        let by = |(key, desc): &(Key, bool)| if *desc { key.compare(b, a) } else { key.compare(a, b) };
        keys.iter().map(by).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    });
    Ok(())
}

enum Key {
    Metric(usize),
    Text(usize),
    Folded(usize),
    Number(usize),
}

impl Key {
    fn compare(&self, a: &Group, b: &Group) -> Ordering {
        let number = |text: &str| text.parse().unwrap_or(f64::NEG_INFINITY);
        match *self {
            Self::Metric(i) => a.sums[i].total_cmp(&b.sums[i]),
            Self::Text(i) => a.dimensions[i].cmp(&b.dimensions[i]),
            Self::Folded(i) => a.dimensions[i].to_lowercase().cmp(&b.dimensions[i].to_lowercase()),
            Self::Number(i) => number(&a.dimensions[i]).total_cmp(&number(&b.dimensions[i])),
        }
    }
}

fn shuffle<T>(items: &mut [T]) {
    let random = SystemRandom::new();
    for last in (1..items.len()).rev() {
        let mut bytes = [0; 8];
        if random.fill(&mut bytes).is_ok() {
            items.swap(last, (u64::from_le_bytes(bytes) % (last as u64 + 1)) as usize);
        }
    }
}
