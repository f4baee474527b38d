//! A key file that is replaced while sources use it.

mod util;

#[path = "key_faults/fixture.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared by test programs")]
mod fixture;

#[path = "util/outlets.rs"]
#[allow(unreachable_pub, reason = "shared by test programs")]
mod outlets;

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use fixture::{CANARY, FIELDS, PEM};
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::Value;
use shortway::http::{Request, RequestBody, Response, ResponseBody, Timeouts, Transport};
use shortway::scope::ANALYTICS;
use shortway::testing::ManualClock;
use shortway::{Ask, Error, ErrorKind, KeyFile, RetryPolicy, ServiceAccount, TokenSource};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;
use util::canary::all_texts;
use util::openssl;

const EMAIL: &str = "fake@throw-away.iam.gserviceaccount.com";
const REFUSED: &str = "the token endpoint refused the assertion of fake@throw-away.iam.gserviceaccount.com: \
                       invalid_grant \
                       (Invalid JWT Signature.)";

/// A key file with this id.
fn key_file(id: &str, pem: &str) -> String {
    let mut fields = FIELDS.clone();
    fields.insert("private_key_id".into(), id.into());
    fields.insert("private_key".into(), pem.into());
    Value::Object(fields).to_string()
}

/// The same of another account.
fn other_account() -> String {
    key_file("other", &PEM).replace(EMAIL, "other@throw-away.iam.gserviceaccount.com")
}

/// The public half of a PEM.
fn public(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = BASE64_STANDARD.decode(body).expect("base64");
    RsaKeyPair::from_pkcs8(&der).expect("a key").public_key().as_ref().to_vec()
}

/// A file in a folder of its own.
struct File {
    folder: tempfile::TempDir,
    path: PathBuf,
}

impl File {
    fn new(content: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key.json");
        fs::write(&path, content).expect("written");
        Self { folder, path }
    }

    /// Replaces it in one step.
    fn swap(&self, content: &str) {
        let next = self.folder.path().join("next");
        fs::write(&next, content).and_then(|()| fs::rename(next, &self.path)).expect("swapped");
    }

    fn open(&self) -> KeyFile {
        KeyFile::open(&self.path).expect("a key file")
    }
}

thread_local! {
    /// The newest generation that was in use when this thread's call began.
    static AT_LEAST: Cell<usize> = const { Cell::new(0) };
}

/// A token endpoint that knows some keys: their ids, and the public halves.
#[derive(Clone, Default)]
struct Google(Arc<Inner>);

#[derive(Default)]
struct Inner {
    valid: Mutex<BTreeMap<String, Vec<u8>>>,
    /// The ids of the keys that signed, in the order of the requests.
    used: Mutex<Vec<String>>,
    /// Called before a request is answered.
    meanwhile: Mutex<Option<Box<dyn FnMut() + Send>>>,
    newest: AtomicUsize,
    old_after_new: AtomicUsize,
}

impl Google {
    fn knows(self, id: &str) -> Self {
        self.valid().insert(id.to_owned(), public(&PEM));
        self
    }

    fn meanwhile(self, act: impl FnMut() + Send + 'static) -> Self {
        *self.0.meanwhile.lock().expect("no panic") = Some(Box::new(act));
        self
    }

    fn valid(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.valid.lock().expect("no panic")
    }

    fn used(&self) -> Vec<String> {
        self.0.used.lock().expect("no panic").clone()
    }

    /// The source of a file, without a cache: every call is a refresh.
    fn source(&self, file: &KeyFile) -> ServiceAccount {
        let builder = shortway::service_account(file.clone(), [ANALYTICS]).transport(self.clone());
        builder.clock(ManualClock::new()).build_uncached().expect("a source")
    }
}

impl Transport for Google {
    fn send(&self, request: Request<RequestBody<'_>>, _: Timeouts) -> Result<Response<ResponseBody>, Error> {
        let RequestBody::Bytes(form) = request.into_body() else { panic!("a form is bytes") };
        let form = std::str::from_utf8(form).expect("text");
        let (signed, signature) =
            form.split_once("&assertion=").and_then(|(_, jwt)| jwt.rsplit_once('.')).expect("an assertion");
        let decoded = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64");
        let header: Value =
            serde_json::from_slice(&decoded(signed.split('.').next().expect("a header"))).expect("JSON");
        let id = header["kid"].as_str().expect("an id").to_owned();
        self.0.used.lock().expect("no panic").push(id.clone());
        if let Some(generation) = id.strip_prefix("key-").and_then(|number| number.parse().ok()) {
            self.0.newest.fetch_max(generation, Ordering::SeqCst);
            if generation < AT_LEAST.get() {
                self.0.old_after_new.fetch_add(1, Ordering::SeqCst);
            }
        }
        if let Some(act) = &mut *self.0.meanwhile.lock().expect("no panic") {
            act();
        }
        let is_good = self.valid().get(&id).is_some_and(|public| {
            let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
            key.verify(signed.as_bytes(), &decoded(signature)).is_ok()
        });
        let (status, body) = if is_good {
            (200, format!(r#"{{"access_token": "ya29.{id}", "expires_in": 3599}}"#))
        } else {
            (400, r#"{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}"#.to_owned())
        };
        Ok(Response::builder().status(status).body(body.into_bytes().into()).expect("a response"))
    }
}

#[test]
fn replaced_file_is_noticed_at_the_next_refresh() {
    let file = File::new(&key_file("a", &PEM));
    let (google, key) = (Google::default().knows("a").knows("b"), file.open());
    let source = google.source(&key);
    source.token().expect("a token");
    file.swap(&key_file("b", &PEM));
    assert_eq!(source.identity().expect("known").key_id(), Some("a"));
    source.token().expect("a token");
    assert_eq!(source.identity().expect("known").key_id(), Some("b"));
    assert_eq!((google.used(), key.key().key_id()), (vec!["a".into(), "b".into()], Some("b")));
    // Written over in place, with the same length: the content counts.
    fs::write(&file.path, key_file("a", &PEM)).expect("written");
    source.token().expect("a token");
    assert_eq!(google.used().last().map(String::as_str), Some("a"));
}

#[test]
fn file_is_read_again_when_its_key_is_refused() {
    let file = File::new(&key_file("a", &PEM));
    let path = file.path.clone();
    let google = Google::default().knows("b").meanwhile(move || {
        fs::write(&path, key_file("b", &PEM)).expect("written");
    });
    let source = google.source(&file.open());
    assert_eq!(source.token().expect("a token").expose_secret(), "ya29.b");
    assert_eq!(google.used(), ["a", "b"]);
}

#[test]
fn file_is_read_again_once_for_each_refresh() {
    let file = File::new(&key_file("key", &PEM));
    let (path, number) = (file.path.clone(), AtomicUsize::new(0));
    let google = Google::default().meanwhile(move || {
        let id = format!("next-{}", number.fetch_add(1, Ordering::SeqCst));
        fs::write(&path, key_file(&id, &PEM)).expect("written");
    });
    let error = google.source(&file.open()).token().expect_err("never valid");
    assert_eq!((error.kind(), error.message()), (ErrorKind::Denied, REFUSED));
    assert_eq!((google.used(), error.attempts()), (vec!["key".into(), "next-0".into()], Some(2)));
}

#[test]
fn call_of_one_attempt_leaves_the_new_key_to_the_next_call() {
    let file = File::new(&key_file("a", &PEM));
    let path = file.path.clone();
    let google = Google::default().knows("b").meanwhile(move || {
        fs::write(&path, key_file("b", &PEM)).expect("written");
    });
    let source = google.source(&file.open());
    let ask = Ask::new().with_single_attempt();
    assert_eq!(source.token_for(&ask).expect_err("refused").message(), REFUSED);
    source.token_for(&ask).expect("a token");
    assert_eq!(google.used(), ["a", "b"]);
}

#[test]
fn unusable_file_leaves_the_old_key_in_use_and_is_logged_once() {
    let whole = key_file("b", &PEM);
    let name = |path: &Path| path.display().to_string();
    let json = "download a JSON key for the service account in the Google Cloud console (IAM & Admin, \
                Service \
                Accounts, Keys)";
    for (what, content, fault) in [
        (
            "half",
            Some(&whole[..1000]),
            format!(
                "the key file is incomplete: its JSON ends too early (line \
                                                1, column 1000); {json}"
            ),
        ),
        (
            "nothing",
            Some(""),
            "the key file is empty: its length is 0; if it is not a file on a disk, read \
                               it with ServiceAccountKey::from_reader"
                .to_owned(),
        ),
        (
            "another account",
            Some(&*other_account()),
            format!(
                "the key file is now of another account, \
            other@throw-away.iam.gserviceaccount.com; build a new source for that account, or put a key of \
            {EMAIL} in the file"
            ),
        ),
        ("gone", None, String::new()),
    ] {
        let file = File::new(&key_file("a", &PEM));
        let google = Google::default().knows("a").knows("b");
        let source = google.source(&file.open());
        match content {
            Some(content) => fs::write(&file.path, content).expect("written"),
            None => fs::remove_file(&file.path).expect("removed"),
        }
        let (tokens, heard) = outlets::listen(|| (0..3).map(|_| source.token()).collect::<Vec<_>>());
        assert!(tokens.expect("no panic").iter().all(Result::is_ok), "{what}");
        assert_eq!(google.used(), ["a", "a", "a"], "{what}");
        let warnings: Vec<&str> = heard.lines().filter(|line| line.starts_with("WARN")).collect();
        let path = name(&file.path);
        let fault = match what {
            "gone" => format!("cannot read the key file {path}: it does not exist; check the path"),
            "another account" => fault,
            _ => format!("{path}: {fault}"),
        };
        let line = format!(
            "WARN shortway::key::rotation: the key file was changed, and the old key stays \
                            in use: {fault}"
        );
        assert_eq!(warnings, [line], "{what}");
        CANARY.assert_absent(&heard);
        // Once it is whole it is used, and a new fault is logged anew.
        file.swap(&whole);
        let (token, heard) = outlets::listen(|| source.token());
        assert_eq!(token.expect("no panic").expect("a token").expose_secret(), "ya29.b", "{what}");
        assert!(
            heard.contains(
                "DEBUG shortway::key::rotation: the key file was replaced, its new key is in \
                                use"
            ),
            "{heard}"
        );
        CANARY.assert_absent(&heard);
    }
}

#[test]
fn another_account_is_an_error_once_the_old_key_is_refused() {
    let file = File::new(&key_file("a", &PEM));
    let google = Google::default().knows("a").knows("other");
    let source = google.source(&file.open());
    file.swap(&other_account());
    source.token().expect("the old key is still valid");
    google.valid().remove("a");
    let error = source.token().expect_err("refused");
    assert_eq!(
        (error.kind(), error.code(), error.is_retryable()),
        (ErrorKind::Denied, Some("invalid_grant"), false)
    );
    assert_eq!(
        error.to_string(),
        format!(
            "{REFUSED}; its file has no other key of the account: the key file is now of another account, \
             other@throw-away.iam.gserviceaccount.com; build a new source for that account, or put a key of \
             {EMAIL} \
             in the file"
        )
    );
    assert_eq!(google.used(), ["a", "a"], "no key of another account ever signs");
    CANARY.assert_absent(&all_texts(&error));
}

#[test]
fn refused_key_without_another_one_is_told_with_what_is_wrong_with_the_file() {
    let file = File::new(&key_file("a", &PEM));
    let google = Google::default();
    let source = google.source(&file.open());
    let unchanged = source.token().expect_err("refused");
    assert_eq!(
        unchanged.to_string(),
        format!(
            "{REFUSED}; the key was deleted or disabled, or belongs to another account: create a new key \
             and use its \
             file"
        )
    );
    fs::remove_file(&file.path).expect("removed");
    let gone = source.token().expect_err("refused");
    let path = file.path.display();
    assert_eq!(
        gone.to_string(),
        format!(
            "{REFUSED}; its file has no other key of the account: cannot read the key file {path}: it does \
             not exist; \
             check the path"
        )
    );
}

#[test]
fn every_kind_of_source_takes_the_new_key() {
    let file = File::new(&key_file("a", &PEM));
    let key = file.open();
    let id = |jwt: &str| {
        let header = BASE64_URL_SAFE_NO_PAD.decode(jwt.split('.').next().expect("a header")).expect("base64");
        serde_json::from_slice::<Value>(&header).expect("JSON")["kid"].as_str().expect("an id").to_owned()
    };
    let clock = ManualClock::new();
    let signed =
        shortway::self_signed(key.clone(), [ANALYTICS]).clock(clock.clone()).build().expect("a source");
    let bare =
        shortway::self_signed_for(key.clone(), "https://analyticsdata.googleapis.com/").build_uncached();
    let bare = bare.expect("a source");
    let google = Google::default().knows("a").knows("b");
    let tokens =
        shortway::service_account(key.clone(), [ANALYTICS]).transport(google.clone()).clock(clock.clone());
    let tokens = tokens.build().expect("a source");
    let ids = shortway::id_token(key, "https://service.example/")
        .transport(google.clone())
        .retry(RetryPolicy::NONE);
    let ids = ids.build_uncached().expect("a source");
    assert_eq!(id(signed.token().expect("a token").expose_secret()), "a");
    tokens.token().expect("a token");
    file.swap(&key_file("b", &PEM));
    assert_eq!(id(bare.token().expect("a token").expose_secret()), "b");
    assert_eq!(bare.identity().expect("known").key_id(), Some("b"));
    assert_eq!(id(signed.token().expect("the cached one").expose_secret()), "a");
    assert_eq!(tokens.token().expect("the cached one").expose_secret(), "ya29.a");
    clock.advance(Duration::from_secs(3590));
    assert_eq!(id(signed.token().expect("a new one").expose_secret()), "b");
    assert_eq!(tokens.token().expect("a new one").expose_secret(), "ya29.b");
    ids.token().expect_err("the endpoint of this test grants no ID tokens");
    assert_eq!(google.used(), ["a", "b", "b"]);
}

#[test]
fn clones_of_a_key_file_are_one_and_debug_shows_the_account_alone() {
    let file = File::new(&key_file("a", &PEM));
    let key = file.open();
    let clone = key.clone();
    file.swap(&key_file("b", &PEM));
    shortway::self_signed(key, [ANALYTICS]).build().expect("a source").token().expect("a token");
    assert_eq!(clone.key().key_id(), Some("b"));
    let text = format!("{clone:?}");
    assert!(text.starts_with("KeyFile { path: ") && text.contains(EMAIL), "{text}");
    CANARY.assert_absent(&text);
    let missing = KeyFile::open("/no/such/key.json").expect_err("no file");
    assert_eq!(
        missing.to_string(),
        "cannot read the key file /no/such/key.json: it does not exist; check the path"
    );
}

/// Stops the threads, also when the test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

const SWAPS: usize = 200;
const THREADS: usize = 8;

/// How many calls each thread has made.
#[derive(Default)]
struct Made(Mutex<[usize; THREADS]>, Condvar);

impl Made {
    fn one_more(&self, thread: usize) {
        self.0.lock().expect("no panic")[thread] += 1;
        self.1.notify_all();
    }

    /// Waits until each thread has made a call that began after this.
    fn one_each(&self) {
        let start = *self.0.lock().expect("no panic");
        // The next call to end may have begun before.
        let is_done =
            |made: &[usize; THREADS]| made.iter().zip(&start).all(|(made, start)| *made >= start + 2);
        let (made, time) = self
            .1
            .wait_timeout_while(self.0.lock().expect("no panic"), Duration::from_secs(60), |made| {
                !is_done(made)
            })
            .expect("no panic");
        assert!(!time.timed_out(), "a thread makes no calls: {made:?}");
    }
}

#[test]
fn file_swapped_200_times_under_load_fails_no_call_and_no_old_key_signs_after_a_new_one() {
    if !openssl::is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let pems = [PEM.clone(), openssl::new_rsa_key(folder.path())];
    let publics = [public(&pems[0]), public(&pems[1])];
    let id = |generation: usize| format!("key-{generation:03}");
    let content = |generation: usize| key_file(&id(generation), &pems[generation % 2]);
    let google = Google::default();
    google.valid().insert(id(0), publics[0].clone());
    let file = File::new(&content(0));
    let source = google.source(&file.open());
    let (made, stopped, failures) = (Made::default(), AtomicBool::new(false), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (source, google, made, stopped, failures) = (&source, &google, &made, &stopped, &failures);
            scope.spawn(move || {
                while !stopped.load(Ordering::SeqCst) {
                    AT_LEAST.set(google.0.newest.load(Ordering::SeqCst));
                    if let Err(error) = source.token() {
                        failures.lock().expect("no panic").push(error.to_string());
                    }
                    made.one_more(number);
                }
            });
        }
        let _stop = Stop(&stopped);
        for generation in 1..=SWAPS {
            google.valid().insert(id(generation), publics[generation % 2].clone());
            let whole = content(generation);
            match generation % 5 {
                0 => fs::write(&file.path, &whole[..whole.len() / 2]).expect("torn"),
                1 => fs::write(&file.path, "").expect("emptied"),
                2 => fs::remove_file(&file.path).expect("removed"),
                3 => file.swap(&other_account()),
                _ => {}
            }
            if generation % 5 < 4 {
                made.one_each();
            }
            // In one step, or written over in place, byte by byte for a reader.
            if generation % 3 == 0 {
                fs::write(&file.path, &whole).expect("written");
            } else {
                file.swap(&whole);
            }
            google.valid().remove(&id(generation - 1));
            made.one_each();
        }
    });
    assert_eq!(failures.into_inner().expect("no panic"), Vec::<String>::new());
    assert_eq!(google.0.old_after_new.load(Ordering::SeqCst), 0);
    assert_eq!(google.0.newest.load(Ordering::SeqCst), SWAPS);
    let used = google.used();
    let generations: BTreeSet<&String> = used.iter().collect();
    assert_eq!(generations.len(), SWAPS + 1, "every key was used");
    println!("{} requests over {SWAPS} swaps", used.len());
}
