//! A real `fork` in the middle of a refresh: the child makes its own.
#![cfg(all(unix, not(feature = "shuttle")))]

use shortway::{Ask, Cached, Error, Token, TokenKind, TokenSource};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// The first call, in the parent, ends when the test says so.
struct Source {
    calls: AtomicU32,
    gate: Mutex<(mpsc::Sender<()>, mpsc::Receiver<()>)>,
}

impl TokenSource for Source {
    fn token(&self) -> Result<Token, Error> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        if call == 1 {
            let gate = self.gate.lock().unwrap();
            gate.0.send(()).unwrap();
            let _ = gate.1.recv();
        }
        let expires_at = SystemTime::now() + Duration::from_secs(3599);
        Token::new(TokenKind::Access, &format!("token-{call}"), expires_at)
    }
}

#[test]
fn child_does_not_wait_for_a_refresh_of_its_parent() {
    let (release, released) = mpsc::channel();
    let (started, running) = mpsc::channel();
    let source = Source { calls: AtomicU32::new(0), gate: Mutex::new((started, released)) };
    let cached = Cached::new(source);
    thread::scope(|scope| {
        let leader = scope.spawn(|| cached.token());
        running.recv().unwrap();
        // SAFETY: no thread of the parent holds a lock that the child takes; the child ends without
        // unwinding.
        match unsafe { libc::fork() } {
            -1 => panic!("no fork"),
            0 => {
                let ask = Ask::new().with_deadline(Instant::now() + Duration::from_secs(20));
                let got = cached.token_for(&ask).is_ok_and(|token| token.expose_secret() == "token-2");
                // SAFETY: ends the child at once.
                unsafe { libc::_exit(if got { 0 } else { 1 }) }
            }
            child => {
                let mut status = 0;
                // SAFETY: `child` is a child of this process, `status` is writable.
                assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
                release.send(()).unwrap();
                assert_eq!(status, 0, "the child has a token of its own");
            }
        }
        assert_eq!(leader.join().unwrap().unwrap().expose_secret(), "token-1");
    });
}
