//! Thousands of damaged keys, and everything that can be printed about them: no piece of the key is in it.

use crate::damage::{Damaged, damaged, each_alone};
use crate::fixture::{CANARY, DER, PEM, assert_taken, file, folder, with_field};
use crate::outlets;
use crate::util::canary::all_texts;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use shortway::http::{Request, RequestBody, Response, ResponseBody, Timeouts, Transport};
use shortway::testing::THROW_AWAY_KEY_JSON;
use shortway::{Error, KeyFile, RetryPolicy, ServiceAccountKey, TokenSource, Tokens};
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::thread;

/// How many damaged keys are tried.
const CASES: usize = 4_000;

/// An endpoint that gives a token to everybody.
struct Generous;

impl Transport for Generous {
    fn send(&self, _: Request<RequestBody<'_>>, _: Timeouts) -> Result<Response<ResponseBody>, Error> {
        let body = br#"{"access_token": "ya29.from-a-generous-endpoint", "expires_in": 3599}"#.to_vec();
        Ok(Response::new(body.into()))
    }
}

/// Everything that a program could print which reads this key file and, if it can, gets a token with it; and
/// whether it was read.
fn everything_printed(file: &[u8]) -> (bool, String) {
    let (texts, heard) = outlets::listen(|| match ServiceAccountKey::from_bytes(file) {
        Err(error) => (false, all_texts(&error)),
        Ok(key) => {
            let mut texts = format!("{key:?}\n{key:#?}\n");
            let scopes = [shortway::scope::ANALYTICS_READONLY];
            let builder = shortway::service_account(key.clone(), scopes).transport(Generous);
            texts += &format!("{builder:?}\n{builder:#?}\n{}", printed(builder.clone().build()));
            let builder = shortway::id_token(key.clone(), "https://service.example/");
            // The endpoint grants none, and another attempt changes nothing.
            let builder = builder.transport(Generous).retry(RetryPolicy::NONE);
            texts += &format!("{builder:?}\n{builder:#?}\n{}", printed(builder.clone().build()));
            let builder = shortway::self_signed(key, scopes);
            texts += &format!("{builder:?}\n{builder:#?}\n{}", printed(builder.clone().build()));
            (true, texts)
        }
    });
    // No result is a panic; its text was heard.
    let (read, texts) = texts.unwrap_or_default();
    (read, texts + &heard)
}

/// All that a source and its token print.
fn printed(source: Result<Tokens, Error>) -> String {
    match source {
        Err(error) => all_texts(&error),
        Ok(source) => {
            let token = source.token().map_or_else(|e| all_texts(&e), |t| format!("{t:?}\n{t:#?}\n"));
            format!("{source:?}\n{source:#?}\n{:?}\n{token}", source.identity())
        }
    }
}

#[derive(Default)]
struct Scan {
    read: usize,
    refused: usize,
    panics: Vec<String>,
    leaks: Vec<(String, String)>,
    seen: HashSet<String>,
}

impl Scan {
    fn look_at(&mut self, Damaged { how, file }: Damaged) {
        let (read, printed) = everything_printed(&file);
        *(if read { &mut self.read } else { &mut self.refused }) += 1;
        if printed.contains("panic: ") {
            self.panics.push(format!("{how}: {printed}"));
        }
        if !self.seen.contains(&printed) {
            self.leaks.extend(CANARY.find(&printed).map(|piece| (how, piece)));
            self.seen.insert(printed);
        }
    }

    fn over(cases: impl Iterator<Item = usize>) -> Self {
        let mut scan = Self::default();
        for case in cases {
            scan.look_at(damaged(case));
        }
        scan
    }
}

#[test]
fn no_piece_of_a_damaged_key_is_ever_printed() {
    assert!(CASES > each_alone(), "each way of damage has its turns by itself, and then they mix");
    let (odd, even) = thread::scope(|scope| {
        let odd = scope.spawn(|| Scan::over((1..CASES).step_by(2)));
        let even = Scan::over((0..CASES).step_by(2));
        (odd.join().expect("the scan itself does not panic"), even)
    });
    let texts = odd.seen.union(&even.seen).count();
    let (read, refused) = (odd.read + even.read, odd.refused + even.refused);
    println!("{CASES} damaged keys: {refused} refused, {read} read; {texts} different outputs searched");
    assert!(refused > CASES / 2 && read > CASES / 50, "both ways are walked");
    assert_eq!([odd.panics, even.panics].concat(), Vec::<String>::new());
    let leaks = [odd.leaks, even.leaks].concat();
    let mut ways: BTreeMap<String, usize> = BTreeMap::new();
    for (how, _) in &leaks {
        let last = how.rsplit([':', ',']).next().unwrap_or_default();
        *ways.entry(last.trim().to_owned()).or_default() += 1;
    }
    let first: Vec<_> = leaks.iter().take(12).collect();
    assert!(leaks.is_empty(), "{} leaks, by the last damage {ways:#?}, the first {first:#?}", leaks.len());
    assert_taken("the whole key", ServiceAccountKey::from_json(THROW_AWAY_KEY_JSON));
}

/// The same keys one layer too deep, in parts, and in a file that is replaced by them.
#[test]
fn no_piece_of_a_damaged_key_is_printed_when_it_is_wrapped_in_parts_or_replaces_another() {
    let folder = folder();
    let path = file(&folder, "key.json", THROW_AWAY_KEY_JSON);
    let key = KeyFile::open(&path).expect("a key file");
    let source = shortway::service_account(key.clone(), ["x"]).transport(Generous).build_uncached();
    let source = source.expect("a source");
    let mut leaks = Vec::new();
    for Damaged { how, file } in (0..CASES).step_by(13).map(damaged) {
        let text = String::from_utf8_lossy(&file).into_owned();
        let wrapped = [
            BASE64_STANDARD.encode(&file),
            BASE64_URL_SAFE_NO_PAD.encode(BASE64_STANDARD.encode(&file)),
            serde_json::Value::from(text.as_str()).to_string(),
            format!("'{text}'"),
            format!("GOOGLE_KEY={text}"),
            format!("{{\"a\": {text}}}"),
            format!("{{\"privateKeyData\": \"{}\"}}", BASE64_STANDARD.encode(&file)),
        ];
        for text in wrapped {
            leaks.extend(
                CANARY.find(&everything_printed(text.as_bytes()).1).map(|piece| (how.clone(), piece)),
            );
        }
        std::fs::write(&path, &file).expect("written");
        let (texts, heard) = outlets::listen(|| {
            let parts = ServiceAccountKey::from_parts("a@b.example", &text, None);
            let parts = parts.map_or_else(|error| all_texts(&error), |key| format!("{key:?}"));
            let token = source.token().map_or_else(|error| all_texts(&error), |token| format!("{token:?}"));
            format!("{parts}\n{token}\n{key:?}\n{source:?}")
        });
        let printed = texts.expect("no panic") + &heard;
        leaks.extend(CANARY.find(&printed).map(|piece| (how, piece)));
    }
    assert!(leaks.is_empty(), "{} leaks: {:#?}", leaks.len(), &leaks[..leaks.len().min(12)]);
}

/// A key pasted into a field that errors or `Debug` show: each by itself, so that the culprit is named.
#[test]
fn key_pasted_into_another_field_is_not_printed() {
    let body: String = PEM.lines().filter(|line| !line.starts_with('-')).collect();
    let url_safe = BASE64_URL_SAFE_NO_PAD.encode(&*DER);
    let mut leaks = Vec::new();
    for name in ["type", "project_id", "private_key_id", "client_email", "token_uri", "universe_domain"] {
        for (what, value) in [
            ("the PEM", PEM.clone()),
            ("its body", body.clone()),
            ("a line of it", body[64..128].to_owned()),
            ("a line of it in front of an address", format!("{}@x.iam.gserviceaccount.com", &body[64..120])),
            ("a line of it behind an address", format!("fake@{}", &body[64..128])),
            ("a line in the URL-safe alphabet", url_safe[64..128].to_owned()),
            ("an address of it in the URL-safe alphabet", format!("{}@x.example", &url_safe[64..120])),
        ] {
            let (_, printed) = everything_printed(with_field(name, value.as_str()).as_bytes());
            leaks.extend(CANARY.find(&printed).map(|piece| format!("{what} in `{name}`: {piece}")));
        }
    }
    assert!(leaks.is_empty(), "the key is printed: {leaks:#?}");
}

/// An error that leaks in one place and nowhere else.
struct Planted {
    place: &'static str,
    leak: String,
    cause: Option<Box<Self>>,
}

impl Planted {
    fn text(&self, place: &str) -> &str {
        if self.place == place { &self.leak } else { "bad key" }
    }
}

impl fmt::Display for Planted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text("Display"))
    }
}

impl fmt::Debug for Planted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text(if f.alternate() { "alternate Debug" } else { "Debug" }))
    }
}

impl std::error::Error for Planted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

/// What the scan would see if `leak` came out at `place`.
fn planted(place: &'static str, leak: &str) -> String {
    let error = |place, cause| Planted { place, leak: leak.to_owned(), cause };
    let (texts, heard) = outlets::listen(|| match place {
        "panic" => panic!("cannot read {leak}"),
        "log line" => {
            log::trace!(target: "ureq_proto", "sent {leak}");
            String::new()
        }
        "cause" => all_texts(&error("", Some(Box::new(error("Display", None))))),
        "cause of the cause" => {
            let cause = error("", Some(Box::new(error("Debug", None))));
            all_texts(&error("", Some(Box::new(cause))))
        }
        place => all_texts(&error(place, None)),
    });
    texts.unwrap_or_default() + &heard
}

#[test]
fn scanner_finds_each_form_of_a_leak_in_each_place() {
    let (text, der) = (&PEM[300..324], &DER[501..520]);
    let list = |form: fn(&u8) -> String, with: &str| der.iter().map(form).collect::<Vec<_>>().join(with);
    let forms = [
        ("plain", text.to_owned()),
        ("quoted", format!("{text:?}")),
        ("plain, over two lines", format!("{}\n{}", &text[..6], &text[6..])),
        ("base64", BASE64_STANDARD.encode(der)),
        ("base64, one byte later", BASE64_STANDARD.encode(&der[1..])),
        ("base64, two bytes later", BASE64_STANDARD.encode(&der[2..])),
        ("base64url", BASE64_URL_SAFE_NO_PAD.encode(der)),
        ("base64 of the text", BASE64_STANDARD.encode(text)),
        ("hex", list(|b| format!("{b:02x}"), "")),
        ("upper-case hex", list(|b| format!("{b:02X}"), "")),
        ("hex with colons", list(|b| format!("{b:02x}"), ":")),
        ("a list of hex", format!("{der:02x?}")),
        ("a list of hex over lines", format!("{der:#04x?}")),
        ("percent", list(|b| format!("%{b:02X}"), "")),
        ("lower-case percent", list(|b| format!("%{b:02x}"), "")),
        ("a list of numbers", format!("{der:?}")),
        ("a list of numbers over lines", format!("{der:#?}")),
        ("a list of the text's numbers", format!("{:?}", text.as_bytes())),
    ];
    let places = ["Display", "Debug", "alternate Debug", "cause", "cause of the cause", "panic", "log line"];
    for place in places {
        for (form, leak) in &forms {
            assert!(CANARY.find(&planted(place, leak)).is_some(), "{form} in {place} is not found");
        }
        assert_eq!(CANARY.find(&planted(place, "-----BEGIN PRIVATE KEY-----")), None, "no secret in {place}");
    }
    // The way of the scan itself: a log line of the crate and its errors arrive in what is searched.
    let (read, printed) = everything_printed(THROW_AWAY_KEY_JSON.as_bytes());
    assert!(read && printed.contains("DEBUG shortway"), "log lines are heard: {printed}");
    assert_eq!(CANARY.find(&printed), None);
    println!("{} forms found in {} places", forms.len(), places.len());
}
