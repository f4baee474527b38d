//! An order without ties: what stands on a page must not depend on chance.

use crate::analytics::report::DATE_RANGE;
use crate::analytics::request::{OrderBy, OrderField, OrderType, ReportRequest};

/// The order of `request`, then each dimension that it does not decide, so that no two rows tie.
pub(super) fn complete(request: &ReportRequest) -> Vec<OrderBy> {
    let mut order = request.order_bys.clone();
    let range = (request.date_ranges.len() > 1).then_some(DATE_RANGE);
    let names = request.dimensions.iter().map(|dimension| dimension.name.as_str()).chain(range);
    for name in names {
        if !order.iter().any(|by| decides(by, name)) {
            order.push(OrderBy::dimension(name));
        }
    }
    order
}

/// Whether rows that tie in this order have the same text in the dimension `name`. Two texts that differ in
/// case alone tie without regard to case, and so do two that are no numbers as numbers.
fn decides(by: &OrderBy, name: &str) -> bool {
    match &by.field {
        OrderField::Dimension { dimension_name, order_type, .. } => {
            dimension_name == name && matches!(order_type, None | Some(OrderType::Alphanumeric))
        }
        OrderField::Metric { .. } | OrderField::Pivot { .. } => false,
    }
}
