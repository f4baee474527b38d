//! An independent reader of Parquet files: pyarrow, of the Python that `NIGHTLY_PYTHON` names.

#![allow(dead_code, reason = "each test program uses a part")]

use crate::util::{Lab, Row};
use shortway::testing::serde_json::{self, Value};
use std::process::Command;

const READ: &str = r#"
import glob, json, sys
import pyarrow.dataset, pyarrow.parquet
days = glob.glob(sys.argv[1] + "/report=pages/site=*/date=*/day.parquet")
names = ["site", "date", "pagePath", "country", "screenPageViews", "userEngagementDuration"]
types, rows, records = {}, [], []
if days:
    pages = sys.argv[1] + "/report=pages"
    table = pyarrow.dataset.dataset(pages, partitioning="hive", format="parquet").to_table()
    types = {name: str(table.schema.field(name).type) for name in names}
    rows = zip(*(table[name].to_pylist() for name in names))
for day in days:
    site, date = (part.split("=")[1] for part in day.split("/")[-3:-1])
    record = json.loads(pyarrow.parquet.read_metadata(day).metadata[b"nightly"])
    records.append([[site, date], record["rows"]])
print(json.dumps({"types": types, "rows": sorted(map(list, rows)), "records": records}))
"#;

/// What pyarrow reads of the folder.
#[derive(Default, serde::Deserialize)]
pub struct Found {
    pub types: Value,
    /// In the order of [`of_sites`](crate::util::of_sites).
    pub rows: Vec<Row>,
    /// The number of rows by the record in each file, by site and date.
    pub records: Vec<((String, String), i64)>,
}

/// `None` where there is no pyarrow.
pub fn read(lab: &Lab) -> Option<Found> {
    let Ok(python) = std::env::var("NIGHTLY_PYTHON") else {
        println!("SKIPPED: NIGHTLY_PYTHON is not set; it is a Python with pyarrow");
        return None;
    };
    let output = Command::new(python).args(["-c", READ]).arg(lab.path("lake")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}
