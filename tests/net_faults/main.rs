//! What a token endpoint, a network and a proxy can do to a program, done over real sockets by a server that
//! plays a script. Each row says the kind of the error, how often the request is sent, and by when; all rows
//! check that nothing that was sent is in any text, and that the next good response is used.
//!
//! Two faults of the network cannot be made here: a reset while connecting, which a listener cannot send, is
//! only the refusal; and a connection that is kept for long is closed by ureq after 15 s. A process without
//! another thread is checked by its effect, a panic or a failed look-up, in `src/http`: the limit that causes
//! it does not bind root, under whom tests run in containers. Memory is measured in `tests/models`.

#[path = "../util/mod.rs"]
mod util;

#[path = "../util/outlets.rs"]
#[allow(unreachable_pub, reason = "shared by test programs")]
mod outlets;

#[path = "../util/random.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by test programs")]
mod random;

mod bodies;
mod certificates;
mod connections;
mod echoes;
mod framing;
mod proxies;
mod row;
mod streams;
