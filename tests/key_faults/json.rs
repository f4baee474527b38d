//! The JSON, and the fields in it.

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
fn text_that_is_not_an_object_is_refused_by_what_it_is() {
    let object = format!("the key file is not a JSON object; {DOWNLOAD}");
    let pem = "the key file is a private key in PEM, not the JSON around it; the account's e-mail address \
               is needed too: give the JSON key file as it was downloaded";
    let text = &*PEM;
    for (what, content, told) in [
        ("a string", json!("a text").to_string(), object.as_str()),
        ("a string with the PEM in it", json!(text).to_string(), pem),
        ("a number", "5".to_owned(), &object),
        ("true", "true".to_owned(), &object),
        ("an empty array", "[]".to_owned(), &object),
        ("a shell's assignment of something else", "KEY={}".to_owned(), &object),
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
    let file = with_field("x", 1);
    for tail in ["x", "{}", "}", ",}", "\0", "\u{feff}", "null", "//", "#", "\u{a0}", "[]"] {
        let told = format!("the key file is not valid JSON (line 1, column {}); {DOWNLOAD}", file.len() + 1);
        assert_told(tail, load(format!("{file}{tail}")), ErrorKind::Config, &told);
    }
    assert_taken("blanks", load(format!("{file} \r\n\t\n")));
}

#[test]
fn invalid_json_is_refused_by_its_place() {
    let not_json =
        |line: usize, column: usize| format!("the key file is not valid JSON (line {line}, column {column})");
    for (text, message) in [
        ("{\"type\": \"service_account\",}", not_json(1, 28)),
        ("{\"type\": \"service_account\",\n}", not_json(2, 1)),
        ("{\n  // a comment\n  \"type\": 1}", not_json(2, 3)),
        ("{/* a comment */}", not_json(1, 2)),
        ("{'type': 'something_else'}", not_json(1, 2)),
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
    assert!(raw.message().starts_with("the key file has a line break inside a string (line "), "{raw}");
    for (what, from, to) in [
        ("a quote lost", "\"private_key\": \"", "\"private_key\": "),
        ("a quote too many", "\\n", "\"\\n"),
        ("a stray escape", "\\n", "\\q"),
        ("typographic quotes", "\"", "\u{201d}"),
    ] {
        let error = assert_refused(what, load(THROW_AWAY_KEY_JSON.replace(from, to)), ErrorKind::Config);
        assert!(error.message().starts_with("the key file is not valid JSON (line "), "{what}: {error}");
    }
}

#[test]
fn field_that_appears_twice_is_refused_whatever_its_value() {
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
fn type_must_be_exactly_service_account() {
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
fn text_that_is_not_an_email_address_is_refused() {
    let told = "the field `client_email` is not the e-mail address of a service account; it looks like \
                name@project.iam.gserviceaccount.com";
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
fn key_id_with_other_characters_is_refused() {
    let told = "the field `private_key_id` is not a key id; it is 40 hexadecimal digits; remove the field \
                if the id is not known";
    let mut bad: Vec<String> = vec!["\u{e9}".into(), "a b".into(), "f".repeat(300)];
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
    let told = "the field `universe_domain` of the key file is not `googleapis.com`; other universes are \
                not supported";
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

#[test]
fn empty_optional_field_is_an_absent_one() {
    let mut fields = FIELDS.clone();
    for name in ["private_key_id", "project_id", "token_uri", "universe_domain", "audience"] {
        fields.insert(name.into(), "".into());
    }
    let key = assert_taken("empty fields", load(Value::Object(fields).to_string()));
    assert_eq!((key.key_id(), key.project_id(), key.token_uri()), (None, None, None));
}

#[test]
fn audience_of_a_key_file_is_refused_unless_it_is_the_one_that_is_used() {
    let google = "https://oauth2.googleapis.com/token";
    assert_taken("the same as the endpoint", load(with_field("audience", google)));
    for audience in ["https://evil.example/token", "https://oauth2.googleapis.com/token/", " "] {
        let told = "the key file has a field `audience` that differs from its `token_uri`; key files from \
                    Google have none: remove the field, or set the audience in the program";
        assert_told(audience, load(with_field("audience", audience)), ErrorKind::Config, told);
    }
    let told = format!("the field `audience` of the key file is a number, not a string; {DOWNLOAD}");
    assert_told("a number", load(with_field("audience", 5)), ErrorKind::Config, &told);
}

/// A project of a domain (`example.com:my-project`) has these, and so have older kinds of accounts.
#[test]
fn email_of_every_kind_of_account_that_google_makes_is_taken() {
    for email in [
        "nightly@my-project.iam.gserviceaccount.com",
        "nightly@my-project.example.com.iam.gserviceaccount.com",
        "my-project@appspot.gserviceaccount.com",
        "example.com:my-project@appspot.gserviceaccount.com",
        "123456789012-compute@developer.gserviceaccount.com",
        "123456789012-0a1b2c3d4e5f@developer.gserviceaccount.com",
    ] {
        let key = assert_taken(email, load(with_field("client_email", email)));
        assert_eq!(key.client_email(), email);
    }
}

#[test]
fn text_is_parsed_as_a_key() {
    let key: ServiceAccountKey = THROW_AWAY_KEY_JSON.parse().expect("a key");
    assert_eq!(key.client_email(), "fake@throw-away.iam.gserviceaccount.com");
}
