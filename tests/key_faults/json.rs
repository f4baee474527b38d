//! Rows 10 to 28: the JSON, and the fields in it.

use crate::covers;
use crate::fixture::{
    DOWNLOAD, FIELDS, PEM, assert_refused, assert_taken, assert_told, with_field, without_field,
};
use serde_json::{Value, json};
use shortway::testing::THROW_AWAY_KEY_JSON;
use shortway::{ErrorKind, ServiceAccountKey, TokenSource};

fn load(text: impl AsRef<str>) -> Result<ServiceAccountKey, shortway::Error> {
    ServiceAccountKey::from_json(text.as_ref())
}

#[test]
fn what_is_no_object_is_told() {
    covers(&[7, 10, 12]);
    let object = format!("the key file is not a JSON object; {DOWNLOAD}");
    let pem = "the key file is a bare PEM key, not the JSON around it; the account's e-mail address is needed too: give the \
               whole JSON key file as it was downloaded";
    let text = &*PEM;
    for (what, content, told) in [
        ("a string", json!(text).to_string(), object.as_str()),
        ("a string with the file in it", json!(THROW_AWAY_KEY_JSON).to_string(), &object),
        ("a number", "5".to_owned(), &object),
        ("true", "true".to_owned(), &object),
        ("an empty array", "[]".to_owned(), &object),
        ("an array of keys", format!("[{THROW_AWAY_KEY_JSON}]"), &object),
        ("a shell's assignment", format!("KEY={THROW_AWAY_KEY_JSON}"), &object),
        ("two byte-order marks", format!("\u{feff}\u{feff}{THROW_AWAY_KEY_JSON}"), &object),
        ("a bare PEM", text.clone(), pem),
        ("a bare PEM after blank lines", format!("\r\n\n {text}"), pem),
        ("a bare PEM after a byte-order mark", format!("\u{feff}{text}"), pem),
    ] {
        assert_told(what, load(&content), ErrorKind::Config, told);
    }
    assert_taken("one byte-order mark", load(format!("\u{feff}{THROW_AWAY_KEY_JSON}")));
}

#[test]
fn what_follows_the_object_is_refused() {
    covers(&[13]);
    let file = with_field("x", 1);
    for tail in ["x", "{}", "}", ",", "\0", "\u{feff}", "null", "//", "#", "\u{a0}", &file] {
        let told = format!("the key file is not valid JSON (line 1, column {}); {DOWNLOAD}", file.len() + 1);
        assert_told(tail, load(format!("{file}{tail}")), ErrorKind::Config, &told);
    }
    assert_taken("blanks", load(format!("{file} \r\n\t\n")));
}

#[test]
fn what_json_does_not_know_is_refused_by_its_place() {
    covers(&[14]);
    let not_json =
        |line: usize, column: usize| format!("the key file is not valid JSON (line {line}, column {column})");
    for (text, message) in [
        ("{\"type\": \"service_account\",}", not_json(1, 28)),
        ("{\"type\": \"service_account\",\n}", not_json(2, 1)),
        ("{\n  // a comment\n  \"type\": 1}", not_json(2, 3)),
        ("{/* a comment */}", not_json(1, 2)),
        ("{'type': 'service_account'}", not_json(1, 2)),
        ("{type: 1}", not_json(1, 2)),
        ("{\"type\"; 1}", not_json(1, 8)),
        ("{\"type\": service_account}", not_json(1, 10)),
        ("{\"type\": NaN}", not_json(1, 10)),
        ("{\"type\": 01}", not_json(1, 11)),
        ("{\"type\": \"\\x41\"}", not_json(1, 12)),
        ("{\"type\": \"\\ud800\"}", not_json(1, 17)),
        ("{\"type\" = 1}", not_json(1, 9)),
    ] {
        assert_told(text, load(text), ErrorKind::Config, &format!("{message}; {DOWNLOAD}"));
    }
    // The same next to the key: the place is told, the text is not.
    let raw =
        assert_refused("raw newlines", load(THROW_AWAY_KEY_JSON.replace("\\n", "\n")), ErrorKind::Config);
    assert!(raw.message().starts_with("the key file has a line break inside a text (line "), "{raw}");
    for (what, from, to) in [
        ("a quote lost", "\"private_key\": \"", "\"private_key\": "),
        ("a quote too many", "\\n", "\"\\n"),
        ("a stray escape", "\\n", "\\q"),
        ("single quotes", "\"", "'"),
        ("typographic quotes", "\"", "\u{201d}"),
        ("escaped quotes", "\"", "\\\""),
    ] {
        let error = assert_refused(what, load(THROW_AWAY_KEY_JSON.replace(from, to)), ErrorKind::Config);
        assert!(error.message().starts_with("the key file is not valid JSON (line "), "{what}: {error}");
    }
}

#[test]
fn field_that_stands_there_twice_is_refused_whatever_it_says() {
    covers(&[15]);
    for name in [
        "type",
        "client_email",
        "private_key",
        "private_key_id",
        "project_id",
        "token_uri",
        "universe_domain",
    ] {
        for value in [FIELDS[name].clone(), Value::Null, json!("evil@evil.example"), json!(5)] {
            let first = THROW_AWAY_KEY_JSON.replacen('{', &format!("{{\"{name}\": {value},"), 1);
            let last = THROW_AWAY_KEY_JSON.trim_end().trim_end_matches('}').to_owned()
                + &format!(",\"{name}\": {value}}}");
            for text in [first, last] {
                let error = assert_refused(name, load(text), ErrorKind::Config);
                let told = format!("the key file has the field `{name}` twice (line ");
                assert!(error.message().starts_with(&told), "{name}: {error}");
            }
        }
    }
    let disguised = THROW_AWAY_KEY_JSON.replacen('{', "{\"client\\u005femail\": \"evil@evil.example\",", 1);
    let error = assert_refused("a name with an escape in it", load(disguised), ErrorKind::Config);
    assert!(error.message().starts_with("the key file has the field `client_email` twice (line "), "{error}");
}

#[test]
fn type_must_be_the_very_word() {
    covers(&[16, 17]);
    for near in
        ["", "Service_Account", "SERVICE_ACCOUNT", " service_account", "service_account ", "service-account"]
    {
        assert_refused(near, load(with_field("type", near)), ErrorKind::Config);
    }
    for (value, what) in [
        (json!(5), "a number"),
        (json!(true), "a boolean"),
        (json!({}), "an object"),
        (json!(["service_account"]), "an array"),
    ] {
        let told = format!("the field `type` of the key file is {what}, not a string; {DOWNLOAD}");
        assert_told(what, load(with_field("type", value)), ErrorKind::Config, &told);
    }
    let error = assert_refused("no type", load(without_field("type")), ErrorKind::Config);
    assert_eq!(error.message(), "the key file has no field `type`");
}

#[test]
fn email_that_is_none_is_refused() {
    covers(&[18]);
    let told = "the field `client_email` is not an e-mail address; it looks like name@project.iam.gserviceaccount.com";
    let long = format!("{}@x.iam.gserviceaccount.com", "a".repeat(10_000));
    let header = "a@b.c\r\nAuthorization: Bearer x";
    let mut bad: Vec<String> =
        [long.as_str(), header, "a@@b", "a@b@c", "@", "a@b\u{e9}.c", "\u{ff20}", "a@b c"]
            .map(str::to_owned)
            .to_vec();
    bad.extend((0..=0x20_u8).chain([0x7f]).map(|byte| format!("a{}@b.c", char::from(byte))));
    for email in bad {
        assert_told(&email, load(with_field("client_email", email.as_str())), ErrorKind::Config, told);
    }
}

#[test]
fn field_of_another_type_is_named() {
    covers(&[19]);
    let lines: Vec<&str> = PEM.lines().collect();
    for name in ["client_email", "private_key"] {
        let told = format!("the key file has no field `{name}`; {DOWNLOAD}");
        assert_told(name, load(with_field(name, Value::Null)), ErrorKind::Config, &told);
        assert_told(name, load(without_field(name)), ErrorKind::Config, &told);
    }
    for name in
        ["client_email", "private_key", "private_key_id", "project_id", "token_uri", "universe_domain"]
    {
        for (value, what) in [
            (json!(5), "a number"),
            (json!(false), "a boolean"),
            (json!(lines), "an array"),
            (json!(PEM.as_bytes()), "an array"),
            (json!({"pem": *PEM}), "an object"),
        ] {
            let told = format!("the field `{name}` of the key file is {what}, not a string; {DOWNLOAD}");
            assert_told(name, load(with_field(name, value)), ErrorKind::Config, &told);
        }
    }
}

#[test]
fn key_id_with_what_no_id_holds_is_refused() {
    covers(&[20]);
    let told = "the field `private_key_id` is not a key id; it is 40 hexadecimal digits; leave the field out if it is not \
                known";
    let mut bad: Vec<String> = vec![String::new(), "\u{e9}".into(), "a b".into(), "f".repeat(300)];
    bad.extend((0..=0x20_u8).chain([0x7f]).map(|byte| format!("0123{}4567", char::from(byte))));
    for id in bad {
        assert_told(&id, load(with_field("private_key_id", id.as_str())), ErrorKind::Config, told);
    }
    let id = "0123456789abcdef0123456789abcdef01234567";
    assert_eq!(assert_taken("an id", load(with_field("private_key_id", id))).key_id(), Some(id));
    assert_eq!(assert_taken("no id", load(without_field("private_key_id"))).key_id(), None);
}

#[test]
fn key_file_without_an_endpoint_uses_googles() {
    covers(&[21]);
    for file in [without_field("token_uri"), with_field("token_uri", Value::Null)] {
        let key = assert_taken("no token_uri", load(file));
        let source =
            shortway::service_account(key, [shortway::scope::ANALYTICS_READONLY]).build().expect("a source");
        let identity = source.identity().expect("known");
        let endpoint = identity.endpoint();
        assert_eq!(endpoint, Some("https://oauth2.googleapis.com/token"));
    }
}

#[test]
fn other_universe_is_refused() {
    covers(&[26]);
    let told = "the key file belongs to another universe than googleapis.com (field `universe_domain`); only googleapis.com \
                is supported";
    for domain in [
        "example.com",
        "googleapis.com.evil.example",
        "evil-googleapis.com",
        "GOOGLEAPIS.COM",
        "googleapis.com.",
        " googleapis.com",
        "googleapis.com\n",
        "g\u{43e}\u{43e}gleapis.com",
        "\0",
    ] {
        assert_told(domain, load(with_field("universe_domain", domain)), ErrorKind::Config, told);
    }
    for value in [Value::Null, json!(""), json!("googleapis.com")] {
        assert_taken("Google's own", load(with_field("universe_domain", value)));
    }
}

#[test]
fn unknown_fields_are_ignored_whatever_is_in_them() {
    covers(&[27]);
    let deep = (0..120).fold(json!(null), |inner, _| json!([inner]));
    for (name, value) in [
        ("", json!("")),
        ("comment", json!("x".repeat(50_000))),
        ("Type", json!("authorized_user")),
        ("private_key ", json!(5)),
        ("__proto__", json!({"type": "external_account"})),
        ("\0", json!("\0\u{7f}\u{2028}")),
        ("schl\u{fc}ssel", json!([1, 1e300, -0.0])),
        ("deep", deep),
        ("auth_uri", json!("file:///etc/passwd")),
        ("client_x509_cert_url", json!(7)),
    ] {
        assert_taken(name, load(with_field(name, value)));
    }
    let twice = THROW_AWAY_KEY_JSON.replacen('{', "{\"client_id\": 1, \"client_id\": 2,", 1);
    assert_taken("an unknown field twice", load(twice));
}

#[test]
fn deep_nesting_overflows_no_stack() {
    covers(&[28]);
    let nests = [
        ("30,000 arrays", "[".repeat(30_000) + &"]".repeat(30_000)),
        ("10,000 objects", "{\"x\":".repeat(10_000) + "1" + &"}".repeat(10_000)),
        ("129 arrays", "[".repeat(129) + &"]".repeat(129)),
    ];
    for (what, nest) in &nests {
        // An unknown field is stepped over without recursion, so its depth is as unknown as the rest of it.
        let text = with_field("x", "here").replace("\"here\"", nest);
        assert_taken(what, load(text));
        for name in ["type", "private_key", "project_id"] {
            let text = with_field(name, "here").replace("\"here\"", nest);
            let error = assert_refused(what, load(text), ErrorKind::Config);
            let place = "the key file is not valid JSON (line 1, column ";
            assert!(error.message().starts_with(place), "{what} in {name}: {error}");
        }
    }
    for (what, nest) in [("arrays", "[".repeat(60_000)), ("objects in arrays", "[{\"x\":".repeat(10_000))] {
        for text in [with_field("x", "here").replace("\"here\"", &nest), format!("{{\"x\":{nest}")] {
            assert_refused(what, load(text), ErrorKind::Config);
        }
    }
}
