//! One row of a table of faults: what the server does, what the caller must see.

use crate::outlets;
use crate::util::canary::{Canary, all_texts};
use crate::util::server::{Act, GOOD, Server};
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::throw_away_key;
use shortway::{Ask, Error, ErrorKind, RetryPolicy, ServiceAccountOptions, TokenSource, TokensBuilder};
use std::thread;
use std::time::{Duration, Instant};

/// A fault, and what has to come of it.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) acts: Vec<Act>,
    pub(crate) kind: ErrorKind,
    /// How many requests are made, each on a connection of its own.
    pub(crate) tries: u32,
    /// The deadline that the caller names.
    pub(crate) limit: Duration,
}

/// More than any row without a wait of its own takes, on a busy machine too.
const AMPLE: Duration = Duration::from_secs(25);

/// The deadline of rows that run into it.
const SHORT: Duration = Duration::from_millis(600);

/// How much later than its deadline a call may come back: the scheduler of a busy machine, and no more.
const GRACE: Duration = Duration::from_secs(1);

/// A fault that is told with `kind`. How often it is tried follows from the kind.
pub(crate) fn row(name: impl Into<String>, kind: ErrorKind, acts: Vec<Act>) -> Row {
    let tries = match kind {
        ErrorKind::Malformed | ErrorKind::Protocol => 2,
        ErrorKind::Closed | ErrorKind::Throttled | ErrorKind::Unavailable => 3,
        _ => 1,
    };
    let limit = if kind == ErrorKind::Timeout { SHORT } else { AMPLE };
    Row { name: name.into(), acts, kind, tries, limit }
}

impl Row {
    pub(crate) fn once(self) -> Self {
        Self { tries: 1, ..self }
    }
}

/// The head and body of an answer after which the connection is closed, as the server says.
pub(crate) fn answer(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Vec<Act> {
    let body = body.as_ref();
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} Said\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n");
    vec![Act::Read, Act::Send([head.as_bytes(), body].concat())]
}

/// Answers a request with these very bytes, and closes.
pub(crate) fn raw(bytes: impl AsRef<[u8]>) -> Vec<Act> {
    vec![Act::Read, Act::Send(bytes.as_ref().to_vec())]
}

pub(crate) fn quick() -> RetryPolicy {
    RetryPolicy::default().with_initial_delay(Duration::from_millis(1))
}

pub(crate) type Builder = TokensBuilder<ServiceAccountOptions>;

pub(crate) fn builder(url: &str) -> Builder {
    shortway::service_account(throw_away_key(), [ANALYTICS_READONLY]).token_endpoint(url).retry(quick())
}

/// Plays every row, all at once: most of their time is waiting.
pub(crate) fn run(rows: Vec<Row>) {
    let failed: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = rows
            .into_iter()
            .map(|row| {
                let name = row.name.clone();
                (name, scope.spawn(move || play(&row)))
            })
            .collect();
        threads.into_iter().filter_map(|(name, t)| t.join().is_err().then_some(name)).collect()
    });
    assert!(failed.is_empty(), "rows that failed: {failed:#?}");
}

fn play(row: &Row) {
    let server = Server::always(row.acts.clone());
    check(row, &server, builder(&server.url()));
}

/// Asks once while the server misbehaves and once when it is healed. Gives the error, for what else is to be
/// said of it.
pub(crate) fn check(row: &Row, server: &Server, builder: Builder) -> Error {
    let name = &row.name;
    let source = builder.build().expect("a source");
    let begin = Instant::now();
    let mut ask = Ask::new().with_deadline(begin + row.limit);
    if matches!(row.kind, ErrorKind::Dns | ErrorKind::Connect) {
        // Without a connection the attempts go on until the deadline.
        ask = ask.with_single_attempt();
    }
    let (outcome, said) = outlets::listen(|| source.token_for(&ask));
    let took = begin.elapsed();
    let error = match outcome {
        Some(Err(error)) => error,
        Some(Ok(token)) => panic!("{name}: a token came of it, {token:?}"),
        None => panic!("{name}: a panic: {said}"),
    };
    assert_eq!(error.kind(), row.kind, "{name}: {error:?}");
    assert!(took < row.limit + GRACE, "{name} took {took:?}: {error:?}");
    assert_eq!(error.attempts(), Some(row.tries), "{name}: {error:?}");
    assert_eq!(server.connections(), row.tries as usize, "{name}: {error:?}");
    assert_no_leak(name, server, &error, &said);
    assert!(!error.to_string().contains(['\r', '\n', '\u{1b}']), "{name}: {error}");
    server.heal();
    // Past the cache, whose back-off is on.
    let token = source.source().token().unwrap_or_else(|e| panic!("{name}: healed, but {e:?}"));
    assert_eq!(token.expose_secret(), GOOD, "{name}");
    error
}

/// No piece of an assertion that the server saw is in any text of the error or in any line logged by this
/// crate.
pub(crate) fn assert_no_leak(name: &str, server: &Server, error: &Error, said: &str) {
    // ureq dumps messages at level trace under ureq_proto; the crate's documentation says so.
    let lines: Vec<&str> = said.lines().filter(|line| line.contains(" shortway")).collect();
    let texts = all_texts(error) + &lines.join("\n");
    for assertion in server.assertions() {
        assert_eq!(Canary::new(&assertion, &[]).find(&texts), None, "{name} leaks:\n{texts}");
    }
}
