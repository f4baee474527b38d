//! A database of a PostgreSQL server for each test: `tests/postgres.sh` starts one.

use crate::util::{Lab, Row};
use postgres::{Client, NoTls};
use std::sync::atomic::{AtomicU32, Ordering};

/// Makes a database of its own the lab's; `None` where there is no server.
pub fn use_postgres(lab: &mut Lab) -> Option<Client> {
    let Ok(server) = std::env::var("NIGHTLY_POSTGRES") else {
        println!("SKIPPED: NIGHTLY_POSTGRES is not set; run with tests/postgres.sh");
        return None;
    };
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut root = Client::connect(&format!("{server}/postgres"), NoTls).unwrap();
    root.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    lab.database = format!("{server}/{name}");
    Some(Client::connect(&lab.database, NoTls).unwrap())
}

/// The rows of the table `pages`, in the order of [`of_sites`](crate::util::of_sites).
pub fn stored(db: &mut Client) -> Vec<Row> {
    let columns = "site, date::text, \"pagePath\", country, \"screenPageViews\", \"userEngagementDuration\"";
    let rows = db.query(&format!("SELECT {columns} FROM pages"), &[]).unwrap();
    let mut rows: Vec<Row> = rows
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4), row.get(5)))
        .collect();
    // Sorted here: the server's order of texts is that of a language.
    rows.sort_by(|a, b| a.partial_cmp(b).unwrap());
    rows
}
