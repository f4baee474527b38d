//! A server of pages in this process, which counts rows as told and fails where told.

use serde_json::{Value, json};
use shortway::Error;
use shortway::http::{Request, RequestBody, Response, ResponseBody, Timeouts, Transport};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// What the server does with one page besides sending it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The last rows are left out; where rows that differ in nothing but the range count once, the last such
    /// groups. (A row that is missing within a group cannot be told from one that is not there.)
    Short(usize),
    /// There are neither rows nor a row count.
    Empty,
    /// One row stands there twice, and the last one is left out.
    Doubled,
    /// Rows of the next page are there too.
    Long,
    /// The server is out of order.
    Status(u16),
}

/// A row: what it is of, and its figure in each date range, if it has one there.
pub type Row = (String, Vec<Option<u64>>);

pub struct State {
    pub rows: Vec<Row>,
    /// How many date ranges there are.
    pub ranges: usize,
    /// Whether rows that differ in nothing but the range count once.
    pub counts_keys: bool,
    /// What happens to the pages at these offsets: to the first request for each, then to the second.
    pub faults: BTreeMap<u64, Vec<Fault>>,
    /// The data that is there from the request for the page at this offset on.
    pub change: Option<(u64, Vec<Row>)>,
    /// The offsets that were requested, in the order of the requests.
    pub offsets: Vec<u64>,
    /// The bodies that were sent.
    pub requests: Vec<Value>,
    /// How many requests are answered at this moment, and how many were at most.
    now: usize,
    pub most: usize,
    /// How many requests must be there at the same time before a page after the first one is answered.
    pub gate: usize,
}

/// Clones are the same server.
#[derive(Clone)]
pub struct Site(Arc<(Mutex<State>, Condvar)>);

impl Site {
    pub fn new(rows: Vec<Row>, ranges: usize, counts_keys: bool) -> Self {
        let state = State {
            rows,
            ranges,
            counts_keys,
            faults: BTreeMap::new(),
            change: None,
            offsets: Vec::new(),
            requests: Vec::new(),
            now: 0,
            most: 0,
            gate: 0,
        };
        Self(Arc::new((Mutex::new(state), Condvar::new())))
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().expect("the state")
    }

    fn answer(&self, request: &Value) -> (u16, Value) {
        let mut state = self.state();
        state.now += 1;
        state.most = state.most.max(state.now);
        let (offset, limit) = (number(&request["offset"]), number(&request["limit"]));
        state.offsets.push(offset);
        state.requests.push(request.clone());
        self.0.1.notify_all();
        let in_time = |state| self.0.1.wait_timeout(state, Duration::from_secs(10)).expect("the state").0;
        while offset > 0 && state.most < state.gate {
            state = in_time(state);
        }
        if state.change.as_ref().is_some_and(|(from, _)| *from == offset) {
            state.rows = state.change.take().expect("a change").1;
        }
        let faults = state.faults.get_mut(&offset).filter(|faults| !faults.is_empty());
        let fault = faults.map(|faults| faults.remove(0));
        let answer = state.page(offset as usize, limit as usize, fault);
        state.now -= 1;
        answer
    }
}

impl State {
    /// All rows, as cells: key, range if there are several, figure.
    pub fn flat(&self) -> Vec<Vec<String>> {
        flat(&self.rows, self.ranges)
    }

    /// Ends all faults and changes, also for requests that are still under way; the rows as they are.
    pub fn calm(&mut self) -> Vec<Vec<String>> {
        self.faults.clear();
        self.change = None;
        self.flat()
    }

    fn page(&self, offset: usize, limit: usize, fault: Option<Fault>) -> (u16, Value) {
        let limit = if fault == Some(Fault::Long) { limit + 1 } else { limit };
        let all = self.flat();
        let (count, mut page): (usize, Vec<Vec<String>>) = match self.counts_keys {
            true => {
                let keys: Vec<Row> = self.rows.iter().skip(offset).take(limit).cloned().collect();
                (self.rows.len(), flat(&keys, self.ranges))
            }
            false => (all.len(), all.iter().skip(offset).take(limit).cloned().collect()),
        };
        match fault {
            Some(Fault::Status(status)) => {
                return (status, json!({"error": {"code": status, "message": "x", "status": "UNAVAILABLE"}}));
            }
            Some(Fault::Short(missing)) if self.counts_keys => {
                let kept = self.rows.iter().skip(offset).take(limit).count().saturating_sub(missing);
                page = flat(&self.rows[offset..offset + kept], self.ranges);
            }
            Some(Fault::Short(missing)) => page.truncate(page.len().saturating_sub(missing)),
            Some(Fault::Doubled) if page.len() > 1 => {
                page.pop();
                page.insert(0, page[0].clone());
            }
            Some(Fault::Empty) => return (200, self.report(0, &[])),
            _ => {}
        }
        (200, self.report(count, &page))
    }

    fn report(&self, count: usize, rows: &[Vec<String>]) -> Value {
        let several = self.ranges > 1;
        let dimensions = if several { vec!["key", "dateRange"] } else { vec!["key"] };
        let headers: Vec<Value> = dimensions.iter().map(|name| json!({"name": name})).collect();
        let cells = |cells: &[String]| -> Vec<Value> { cells.iter().map(|c| json!({"value": c})).collect() };
        let row = |row: &Vec<String>| {
            let (dimensions, metric) = row.split_at(row.len() - 1);
            json!({"dimensionValues": cells(dimensions), "metricValues": cells(metric)})
        };
        let totals = (0..self.ranges).map(|range| {
            let sum: u64 = self.rows.iter().filter_map(|(_, figures)| figures[range]).sum();
            let mut cells = vec!["RESERVED_TOTAL".to_owned()];
            cells.extend(several.then(|| format!("date_range_{range}")));
            cells.push(sum.to_string());
            row(&cells)
        });
        let totals: Vec<Value> = if count == 0 { Vec::new() } else { totals.collect() };
        let mut report = json!({
            "dimensionHeaders": headers,
            "metricHeaders": [{"name": "sessions", "type": "TYPE_INTEGER"}],
            "rows": rows.iter().map(row).collect::<Vec<_>>(),
            "totals": totals,
        });
        if count > 0 {
            report["rowCount"] = count.into();
        }
        report
    }
}

/// Rows as a report has them.
pub fn flat(rows: &[Row], ranges: usize) -> Vec<Vec<String>> {
    let cells = |key: &String, range: usize, figure: Option<u64>| {
        let figure = figure?.to_string();
        Some(match ranges {
            1 => vec![key.clone(), figure],
            _ => vec![key.clone(), format!("date_range_{range}"), figure],
        })
    };
    rows.iter()
        .flat_map(|(key, figures)| (0..ranges).filter_map(move |range| cells(key, range, figures[range])))
        .collect()
}

fn number(value: &Value) -> u64 {
    value.as_str().map_or(0, |text| text.parse().expect("a number"))
}

impl Transport for Site {
    fn send(&self, request: Request<RequestBody<'_>>, _: Timeouts) -> Result<Response<ResponseBody>, Error> {
        let RequestBody::Bytes(bytes) = request.into_body() else { panic!("a body of bytes") };
        let (status, body) = self.answer(&serde_json::from_slice(bytes).expect("JSON"));
        let response = Response::builder().status(status).body(body.to_string().into_bytes().into());
        Ok(response.expect("a response"))
    }
}
