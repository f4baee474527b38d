//! Whole, good key files one layer too deep: which layers are undone, and how the others are named.

mod util;

#[path = "key_faults/fixture.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared by test programs")]
mod fixture;

use base64::prelude::{
    BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD, Engine,
};
use fixture::{CANARY, FIELDS, PEM, assert_refused, assert_taken, assert_told, with_field, without_field};
use serde_json::{Value, json};
use shortway::testing::THROW_AWAY_KEY_JSON as KEY;
use shortway::{Error, ErrorKind, ServiceAccountKey};

fn load(text: &str) -> Result<ServiceAccountKey, Error> {
    ServiceAccountKey::from_json(text)
}

/// The key file as a JSON value, on one line, and as the text of a JSON string.
fn key() -> Value {
    Value::Object(FIELDS.clone())
}

fn line() -> String {
    key().to_string()
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn base64(text: &str) -> String {
    BASE64_STANDARD.encode(text)
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// Encodings hold the key file and nothing else, so nothing else can be meant.
fn encodings() -> Vec<(&'static str, String)> {
    let lines = |text: &str, width: usize| {
        let lines: Vec<&str> =
            text.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
        lines.join("\n")
    };
    let unquoted = |text: &str| text[1..text.len() - 1].to_owned();
    vec![
        ("blanks and line breaks around it", format!("\r\n  {KEY}\n\n")),
        ("a JSON text in a JSON text", quoted(KEY)),
        ("twice", quoted(&quoted(KEY))),
        ("one line in a JSON text", quoted(&line())),
        ("single quotes", format!("'{KEY}'")),
        ("single quotes and a line break", format!("'{}'\n", line())),
        ("double quotes that escape nothing", format!("\"{}\"", line())),
        ("back quotes", format!("`{}`", line())),
        ("quotes of a word processor", format!("\u{201c}{}\u{201d}", line())),
        ("quotes in quotes", format!("'{}'", quoted(KEY))),
        ("escaped quotes around the whole", unquoted(&quoted(&line()))),
        ("escaped quotes and nothing else", KEY.replace('"', "\\\"")),
        ("escaped quotes and line breaks", unquoted(&quoted(KEY))),
        ("escaped quotes, with line breaks that are not", KEY.replace('\\', "\\\\").replace('"', "\\\"")),
        ("line breaks outside of the strings as \\n", outside(KEY, "\\n")),
        ("the same twice escaped", outside(KEY, "\\\\n")),
        ("a comma behind it", format!("{KEY},")),
        ("a semicolon behind it", format!("{};", line())),
        ("base64", base64(KEY)),
        ("base64 of one line", base64(&line())),
        ("base64 without padding", BASE64_STANDARD_NO_PAD.encode(KEY)),
        ("base64 in lines of 76", lines(&base64(KEY), 76)),
        ("base64, URL-safe", BASE64_URL_SAFE.encode(KEY)),
        ("base64, URL-safe, without padding", BASE64_URL_SAFE_NO_PAD.encode(KEY)),
        ("base64 twice", base64(&base64(KEY))),
        ("base64 twice, in lines", base64(&lines(&base64(KEY), 64))),
        ("base64 in quotes", format!("\"{}\"", base64(KEY))),
        ("base64 in a JSON text with a line break", quoted(&format!("{}\n", base64(KEY)))),
        ("base64 of a JSON text", base64(&quoted(KEY))),
        ("base64 of the file with a byte-order mark", base64(&format!("\u{feff}{KEY}"))),
        ("base64 of the file in quotes", base64(&format!("'{KEY}'"))),
        ("a data URL", format!("data:application/json;base64,{}", base64(KEY))),
        ("percent-encoding", percent(&line())),
        ("percent-encoding of base64 in quotes", format!("%22{}%22", percent(&base64(KEY)))),
        ("a block of Markdown", format!("```json\n{KEY}\n```")),
        ("entities of HTML", line().replace('&', "&amp;").replace('"', "&quot;")),
        ("numeric entities of HTML", line().replace('"', "&#34;")),
    ]
}

/// The text with `mark` for each line break outside of strings.
fn outside(text: &str, mark: &str) -> String {
    // No string of a key file has a line break in it: those are escaped.
    text.replace('\n', mark)
}

#[test]
fn encoding_around_a_key_file_is_undone() {
    let encodings = encodings();
    assert!(encodings.len() >= 30);
    for (what, text) in &encodings {
        let key = assert_taken(what, load(text));
        assert_eq!(key.client_email(), "fake@throw-away.iam.gserviceaccount.com", "{what}");
        assert_eq!(key.key_id(), Some("throw-away-key-for-tests-it-is-no-secret"), "{what}");
        // A file, bytes and a reader are read as a text is.
        assert_taken(what, ServiceAccountKey::from_bytes(text.as_bytes()));
        assert_taken(what, ServiceAccountKey::from_reader(text.as_bytes()));
    }
}

const INNER: &str = "give the inner object, the one with \"type\": \"service_account\", as a file of its own";

/// Documents hold more than the key file: another part, or another key, may be meant.
fn documents() -> Vec<(&'static str, String, &'static str, &'static str)> {
    let iam = "is an answer of the IAM API, with the key file in its `privateKeyData`";
    let iam_hint = "decode that field: jq -r .privateKeyData answer.json | base64 -d > key.json";
    let vault = "is an answer of Vault, with the key file in its `private_key_data`";
    let vault_hint =
        "decode that field: jq -r '.. | .private_key_data? // empty' answer.json | base64 -d > key.json";
    let kubernetes = "is a Secret of Kubernetes, with the key file in its `data`";
    let kubernetes_hint = "mount the Secret as a file, or decode the entry: kubectl get secret NAME -o json \
                           | \
                           jq -r '.data[\"key.json\"]' | base64 -d > key.json";
    let terraform = "is an attribute or an output of Terraform, with the key file in it";
    let terraform_hint = "decode it: terraform output -raw NAME | base64 -d > key.json";
    let nested = "is a JSON object with the key file inside it";
    let yaml = ("is YAML, not JSON", "convert it, or give the JSON key file as it was downloaded");
    let toml = ("is TOML, not JSON", "give the JSON key file as it was downloaded");
    let several = ("is a text with more than one key file in it", "give one of them, as a file of its own");
    let env = "is an assignment: the name of a variable, and the key file as its value";
    let env_hint = "give the value alone, without the name and the sign before it";
    let literal = "is an object of Python or JavaScript, not JSON";
    let literal_hint = "write it with json.dumps or JSON.stringify";
    let b64 = base64(KEY);
    let name = "projects/throw-away/serviceAccounts/fake@throw-away.iam.gserviceaccount.com/keys/1";
    let iam_answer = json!({"name": name, "privateKeyData": b64,
                            "keyAlgorithm": "KEY_ALG_RSA_2048", "keyOrigin": "GOOGLE_PROVIDED"});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": "key"},
                        "data": {"key.json": b64}});
    let output = json!({"sensitive": true, "type": "string", "value": b64});
    let indented = KEY.replace('\n', "\n    ");
    let yaml_fields: String = FIELDS
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", quoted(value.as_str().expect("text"))))
        .collect();
    let toml_fields: String = FIELDS.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
    let js_fields: String = FIELDS.iter().map(|(name, value)| format!("{name}: {value}, ")).collect();
    vec![
        ("IAM keys.create", iam_answer.to_string(), iam, iam_hint),
        ("IAM keys.create, base64 around it", base64(&iam_answer.to_string()), iam, iam_hint),
        (
            "Vault, the data alone",
            json!({"private_key_data": b64, "key_algorithm": "x"}).to_string(),
            vault,
            vault_hint,
        ),
        (
            "Vault, the whole answer",
            json!({"request_id": "x", "lease_duration": 3600, "data": {"private_key_data": b64}}).to_string(),
            vault,
            vault_hint,
        ),
        (
            "Vault, in data of data",
            json!({"data": {"data": {"private_key_data": b64}}}).to_string(),
            vault,
            vault_hint,
        ),
        (
            "Vault KV, the key itself",
            json!({"data": {"data": key(), "metadata": {}}}).to_string(),
            nested,
            INNER,
        ),
        ("Vault KV, as text", json!({"data": {"data": {"key": KEY}}}).to_string(), nested, INNER),
        ("Terraform, the attribute", json!({"private_key": b64}).to_string(), terraform, terraform_hint),
        ("Terraform, an output", json!({"key": output}).to_string(), terraform, terraform_hint),
        ("Terraform, the output alone", output.to_string(), terraform, terraform_hint),
        ("Kubernetes, JSON", secret.to_string(), kubernetes, kubernetes_hint),
        (
            "Kubernetes, YAML",
            format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: key\ndata:\n  key.json: {b64}\n"),
            yaml.0,
            yaml.1,
        ),
        (
            "Kubernetes, YAML with text",
            format!("apiVersion: v1\nkind: Secret\nstringData:\n  key.json: |\n    {indented}\n"),
            yaml.0,
            yaml.1,
        ),
        ("nested", json!({"credentials": key()}).to_string(), nested, INNER),
        ("nested beside settings", json!({"property": 1, "google": key()}).to_string(), nested, INNER),
        ("nested as text", json!({"GOOGLE_CREDENTIALS": KEY}).to_string(), nested, INNER),
        ("nested as base64", json!({"GOOGLE_CREDENTIALS": b64}).to_string(), nested, INNER),
        ("nested under an odd name", json!({"\u{1b}[31m": key()}).to_string(), nested, INNER),
        ("an array", json!([key()]).to_string(), "is a JSON array with the key file inside it", INNER),
        ("an array of two", json!([key(), key()]).to_string(), several.0, several.1),
        (
            "two environments",
            json!({"staging": key(), "production": key()}).to_string(),
            several.0,
            several.1,
        ),
        ("one behind the other", format!("{KEY}\n{KEY}"), several.0, several.1),
        ("YAML", yaml_fields.clone(), yaml.0, yaml.1),
        ("YAML with a head", format!("# the key\n---\n{yaml_fields}"), yaml.0, yaml.1),
        ("YAML, one value", format!("google_key: {b64}\n"), yaml.0, yaml.1),
        ("YAML, a quoted value", format!("google_key: '{}'\n", line()), yaml.0, yaml.1),
        ("YAML, a block", format!("google_key: |\n    {indented}\n"), yaml.0, yaml.1),
        ("TOML", toml_fields.clone(), toml.0, toml.1),
        ("TOML with a table", format!("[connections.google]\n{toml_fields}"), toml.0, toml.1),
        ("a line of an env file", format!("GOOGLE_KEY={}", line()), env, env_hint),
        ("in single quotes", format!("GOOGLE_KEY='{KEY}'\n"), env, env_hint),
        ("in double quotes", format!("GOOGLE_KEY={}\n", quoted(&line())), env, env_hint),
        ("base64", format!("GOOGLE_KEY={b64}\n"), env, env_hint),
        ("exported", format!("export GOOGLE_KEY='{}'\n", line()), env, env_hint),
        ("blanks around the sign", format!("google_key = '{}'\n", line()), env, env_hint),
        ("PowerShell", format!("$env:GOOGLE_KEY = '{}'\n", line()), env, env_hint),
        ("Dockerfile", format!("ENV GOOGLE_KEY='{}'\n", line()), env, env_hint),
        (
            "among other lines",
            format!("# settings\nPORT=80\nGOOGLE_KEY={}\nDEBUG=1\n", line()),
            env,
            env_hint,
        ),
        ("a dictionary of Python", line().replace('"', "'"), literal, literal_hint),
        ("an object of JavaScript", format!("{{ {js_fields} }}"), literal, literal_hint),
    ]
}

#[test]
fn document_around_a_key_file_is_named_with_the_way_out() {
    let documents = documents();
    assert!(documents.len() + encodings().len() >= 40);
    for (what, text, words, hint) in &documents {
        assert_told(what, load(text), ErrorKind::Config, &format!("the key file {words}; {hint}"));
    }
}

#[test]
fn object_with_a_type_of_its_own_is_not_looked_into() {
    let unknown = "the key file is of an unknown type, not `service_account`";
    for kind in ["impersonated_service_account", "external_account", "authorized_user", "Opaque"] {
        let text = json!({"type": kind, "source_credentials": key(), "key": base64(KEY)}).to_string();
        let error = assert_refused(kind, load(&text), ErrorKind::Config);
        assert!(error.message().starts_with("the key file is of "), "{error}");
        assert!(kind != "Opaque" || error.message() == unknown, "{error}");
        let error = assert_refused(kind, load(&json!({"inner": text}).to_string()), ErrorKind::Config);
        assert_eq!(error.message(), "the key file has no field `type`");
    }
}

#[test]
fn what_is_inside_is_checked_as_a_key_file_is() {
    for (what, inner, kind, message) in [
        (
            "another type",
            with_field("type", "authorized_user"),
            ErrorKind::Config,
            "the key file is of type `authorized_user`, not `service_account`",
        ),
        (
            "no e-mail",
            without_field("client_email"),
            ErrorKind::Config,
            "the key file has no field `client_email`",
        ),
        (
            "half of the key",
            with_field("private_key", &PEM[..800]),
            ErrorKind::Key,
            "the private key is incomplete: it has no END line",
        ),
        (
            "the PEM",
            PEM.clone(),
            ErrorKind::Config,
            "the key file is a private key in PEM, not the JSON around it",
        ),
    ] {
        let error = assert_refused(what, load(&base64(&inner)), kind);
        assert_eq!(error.message(), message, "{what}");
    }
}

#[test]
fn text_that_only_looks_encoded_keeps_its_own_fault() {
    let object = "the key file is not a JSON object";
    for (text, message) in [
        ("\"just a string\"".to_owned(), object),
        ("'quoted'".to_owned(), object),
        (base64("no key file, but a text that is long enough"), object),
        (base64(&"x".repeat(3000)), object),
        ("type: user\nname: jane".to_owned(), object),
        ("PORT=80\nDEBUG=1".to_owned(), object),
        ("[1, 2, 3]".to_owned(), object),
        ("%zz%zz".to_owned(), object),
        ("{}".to_owned(), "the key file has no field `type`"),
        (json!({"a": {"b": {"c": "d"}}}).to_string(), "the key file has no field `type`"),
        (json!({"private_key": PEM.as_str()}).to_string(), "the key file has no field `type`"),
    ] {
        let error = assert_refused(&text, load(&text), ErrorKind::Config);
        assert_eq!(error.message(), message, "{text}");
    }
}

#[test]
fn five_encodings_are_one_too_many_and_nothing_of_them_is_shown() {
    let wrapped = |times: usize| (0..times).fold(line(), |text, _| base64(&text));
    assert_taken("four", load(&wrapped(4)));
    let error = assert_refused("five", load(&wrapped(5)), ErrorKind::Config);
    CANARY.assert_absent(&util::canary::all_texts(&error));
    let deep = (0..20).fold(quoted("x"), |text, _| format!("[{text}]"));
    assert_refused("deep", load(&deep), ErrorKind::Config);
}

#[test]
fn large_text_that_is_no_key_file_is_refused_without_much_work() {
    let object = "the key file is not a JSON object";
    for (what, text) in [
        ("lines of an env file", "a=b\n".repeat(16_000)),
        ("lines of YAML", "a: b\n".repeat(12_000)),
        ("base64", "QUJD".repeat(16_000)),
        ("quotes", "\"'".repeat(30_000)),
        ("brackets", "[".repeat(60_000)),
        ("backslashes", "\\".repeat(60_000)),
    ] {
        let error = assert_refused(what, load(&text), ErrorKind::Config);
        assert_eq!(error.message(), object, "{what}");
    }
    let strings =
        format!("{{\"a\": [{}\"\"]}}", "\"QUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJD\",".repeat(1300));
    let error = assert_refused("strings", load(&strings), ErrorKind::Config);
    assert_eq!(error.message(), "the key file has no field `type`");
    let open = assert_refused("braces", load(&"{".repeat(60_000)), ErrorKind::Config);
    assert!(open.message().starts_with("the key file is "), "{open}");
}
