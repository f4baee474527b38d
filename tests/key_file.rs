//! Key files: what is read, what is refused, in which words, and that no byte of a key is in them.

mod util;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use shortway::testing::{THROW_AWAY_KEY_JSON, throw_away_key};
use shortway::{Error, ErrorKind, ServiceAccountKey};
use util::canary::{Canary, all_texts};
use util::openssl;

/// The throw-away key file with some fields changed; `null` takes a field out.
fn key_file(changes: Value) -> String {
    let mut file: Value = serde_json::from_str(THROW_AWAY_KEY_JSON).expect("JSON");
    for (name, value) in changes.as_object().expect("an object") {
        if value.is_null() {
            file.as_object_mut().expect("an object").remove(name);
        } else {
            file[name] = value.clone();
        }
    }
    file.to_string()
}

fn private_key() -> String {
    let file: Value = serde_json::from_str(THROW_AWAY_KEY_JSON).expect("JSON");
    file["private_key"].as_str().expect("text").to_owned()
}

fn der_of(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|l| !l.starts_with('-')).collect();
    BASE64_STANDARD.decode(body).expect("base64")
}

#[track_caller]
fn refused(text: &str) -> Error {
    ServiceAccountKey::from_json(text).expect_err("this is no good key file")
}

#[track_caller]
fn assert_refused(text: &str, kind: ErrorKind, message: &str) {
    let error = refused(text);
    assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
    assert!(!error.is_retryable());
}

const DOWNLOAD: &str = "download a JSON key for the service account in the Google Cloud console (IAM & Admin, Service Accounts, Keys)";

#[test]
fn key_file_is_read_from_file_text_bytes_and_reader() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key.json");
    std::fs::write(&path, THROW_AWAY_KEY_JSON).expect("written");
    let keys = [
        throw_away_key(),
        ServiceAccountKey::from_file(&path).expect("from a file"),
        ServiceAccountKey::from_json(THROW_AWAY_KEY_JSON).expect("from text"),
        ServiceAccountKey::from_bytes(THROW_AWAY_KEY_JSON.as_bytes()).expect("from bytes"),
        ServiceAccountKey::from_reader(THROW_AWAY_KEY_JSON.as_bytes()).expect("from a reader"),
        ServiceAccountKey::from_json(&format!("\u{feff}{THROW_AWAY_KEY_JSON}"))
            .expect("with a byte-order mark"),
    ];
    for key in keys {
        assert_eq!(key.client_email(), "fake@throw-away.iam.gserviceaccount.com");
        assert_eq!(key.key_id(), Some("throw-away-key-for-tests-it-is-no-secret"));
        assert_eq!(key.project_id(), Some("throw-away"));
        assert_eq!(key.token_uri(), Some("https://oauth2.googleapis.com/token"));
    }
}

#[test]
fn fields_that_may_be_missing_may_be_missing() {
    let key = ServiceAccountKey::from_json(&key_file(json!({
        "private_key_id": null, "project_id": null, "token_uri": null, "universe_domain": null, "client_id": null,
    })))
    .expect("the rest is enough");
    assert_eq!((key.key_id(), key.token_uri()), (None, None));
}

#[test]
fn missing_file_is_named() {
    let error = ServiceAccountKey::from_file("no/such/key.json").expect_err("no file");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(error.path(), Some("no/such/key.json".as_ref()));
    assert_eq!(
        error.to_string(),
        "cannot read the key file no/such/key.json: it does not exist; \
         check the path; it is relative to the directory that the program runs in"
    );
}

#[test]
fn key_given_as_a_path_is_not_shown() {
    let pem = private_key();
    let canary = Canary::new(&pem, &[&der_of(&pem)]);
    let one_line = THROW_AWAY_KEY_JSON.replace('\n', " ");
    for key in
        [THROW_AWAY_KEY_JSON, one_line.as_str(), pem.as_str(), &BASE64_STANDARD.encode(THROW_AWAY_KEY_JSON)]
    {
        let error = ServiceAccountKey::from_file(key).expect_err("no path");
        assert_eq!(
            error.to_string(),
            "what was given as the path of a key file is the key itself; write it to a file, or load it with \
             ServiceAccountKey::from_json"
        );
        assert_eq!(error.path(), None);
        canary.assert_absent(&all_texts(&error));
    }
}

#[test]
fn what_is_no_file_is_told_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = ServiceAccountKey::from_file(folder.path()).expect_err("a directory");
    assert_eq!(error.hint(), Some("give the path of the JSON file in it"));
    if cfg!(unix) {
        let error = ServiceAccountKey::from_file("/dev/zero").expect_err("a device");
        assert_eq!(error.message(), "cannot read the key file /dev/zero: it is not a regular file");
    }
}

#[test]
fn other_credentials_are_named_by_their_type() {
    for (changes, message) in [
        (
            json!({"type": "authorized_user"}),
            "the key file is of type `authorized_user`, not `service_account`; it is a person's login, made by \
             `gcloud auth application-default login`; an unattended program needs a service account's key file",
        ),
        (
            json!({"type": "external_account"}),
            "the key file is of type `external_account`, not `service_account`; this crate reads only service account \
             keys; gcp_auth and google-cloud-auth read this type",
        ),
        (
            json!({"type": "impersonated_service_account"}),
            "the key file is of type `impersonated_service_account`, not `service_account`; this crate reads only \
             service account keys; gcp_auth and google-cloud-auth read this type",
        ),
        (
            json!({"type": null}),
            "the key file has no field `type`; a service account's key file says \"type\": \"service_account\"; a file \
             with `web` or `installed` in it is an OAuth client, which cannot act on its own",
        ),
    ] {
        assert_refused(&key_file(changes), ErrorKind::Config, message);
    }
    // The type comes first: a file of another type is never asked for fields.
    assert_refused(
        r#"{"type": "gdch_service_account"}"#,
        ErrorKind::Config,
        "the key file is of type `gdch_service_account`, not `service_account`; this crate reads only service account \
         keys; gcp_auth and google-cloud-auth read this type",
    );
}

#[test]
fn missing_and_wrong_fields_are_named() {
    for name in ["client_email", "private_key"] {
        let message = format!("the key file has no field `{name}`; {DOWNLOAD}");
        assert_refused(&key_file(json!({name: null})), ErrorKind::Config, &message);
        let message = format!("the field `{name}` of the key file is a number, not a string; {DOWNLOAD}");
        assert_refused(&key_file(json!({name: 5})), ErrorKind::Config, &message);
    }
    assert_refused(
        &key_file(json!({"type": ["service_account"]})),
        ErrorKind::Config,
        &format!("the field `type` of the key file is an array, not a string; {DOWNLOAD}"),
    );
    for email in ["", "nobody", "a b@c.d", "a@b\r\nX: y", "@x.y", "a@", &"a".repeat(400)] {
        assert_refused(
            &key_file(json!({"client_email": email})),
            ErrorKind::Config,
            "the field `client_email` is not an e-mail address; it looks like name@project.iam.gserviceaccount.com",
        );
    }
    assert_refused(
        &key_file(json!({"private_key_id": "a\nb"})),
        ErrorKind::Config,
        "the field `private_key_id` is not a key id; it is 40 hexadecimal digits; leave the field out if it is not known",
    );
    assert_refused(
        &key_file(json!({"universe_domain": "example.com"})),
        ErrorKind::Config,
        "the key file belongs to another universe than googleapis.com (field `universe_domain`); only googleapis.com is \
         supported",
    );
}

#[test]
fn what_is_not_json_is_told_by_how_it_looks() {
    let twice = THROW_AWAY_KEY_JSON.replacen('{', r#"{"client_email": "evil@example.com","#, 1);
    let deep = key_file(json!({"x": 0})).replace("\"x\":0", &format!("\"x\":{}", "[".repeat(200)));
    for (text, message) in [
        (String::new(), format!("the key file is empty; {DOWNLOAD}")),
        (
            private_key(),
            "the key file is a bare PEM key, not the JSON around it; the account's e-mail address is needed too: give the \
             whole JSON key file as it was downloaded"
                .into(),
        ),
        ("null".into(), format!("the key file is not a JSON object; {DOWNLOAD}")),
        (format!("[{THROW_AWAY_KEY_JSON}]"), format!("the key file is not a JSON object; {DOWNLOAD}")),
        ("{'type': 1}".into(), format!("the key file is not valid JSON (line 1, column 2); {DOWNLOAD}")),
        ("{\"type\"".into(), format!("the key file ends in the middle (line 1, column 7); {DOWNLOAD}")),
    ] {
        assert_refused(&text, ErrorKind::Config, &message);
    }
    assert!(refused(&twice).message().starts_with("the key file has the field `client_email` twice"));
    let raw = THROW_AWAY_KEY_JSON.replace("\\n", "\n");
    assert_eq!(
        refused(&raw).to_string(),
        "the key file has a line break inside a text (line 6, column 0); line breaks inside `private_key` are written \\n, \
         as in the file that was downloaded"
    );
    assert_refused(
        &BASE64_STANDARD.encode(THROW_AWAY_KEY_JSON),
        ErrorKind::Config,
        "the key file is base64, not the JSON itself; decode it first: base64 -d",
    );
    assert!(
        refused(&format!("{THROW_AWAY_KEY_JSON} x")).message().starts_with("the key file is not valid JSON")
    );
    assert!(refused(&deep).message().starts_with("the key file is not valid JSON"));
    assert_refused(
        &key_file(json!({"x": "y".repeat(70_000)})),
        ErrorKind::TooLarge,
        "the key file is larger than 64 KiB; a service account's key file is about 2.4 KiB of JSON: is this the right file?",
    );
    let error = ServiceAccountKey::from_reader(std::io::repeat(b' ')).expect_err("endless");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[test]
fn bytes_that_are_no_text_are_told_by_how_they_look() {
    let utf16: Vec<u8> = "\u{feff}{".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, message) in [
        (utf16.as_slice(), "the key file is UTF-16 text; save it as UTF-8"),
        (
            &[0x30, 0x82, 0x09, 0x5a, 0x02, 0x01, 0x03, 0xff],
            "the key file is binary: a PKCS#12 (.p12) file or a bare DER key; create a key of type JSON for the service \
             account, or convert this one: `openssl pkcs12 -in key.p12 -nodes -nocerts -passin pass:notasecret` prints what \
             belongs into `private_key`",
        ),
        (b"{\xff}", "the key file is not UTF-8 text; give the JSON key file just as it was downloaded"),
    ] {
        let error = ServiceAccountKey::from_bytes(bytes).expect_err("no text");
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Config, message));
    }
}

/// PEMs that lost their shape on the way but not a bit of the key.
#[test]
fn pem_whose_newlines_were_damaged_is_mended() {
    let pem = private_key();
    let one_line: String = pem.trim_end().replace('\n', "");
    for (what, damaged) in [
        ("literal \\n", pem.replace('\n', "\\n")),
        ("doubly escaped", pem.replace('\n', "\\\\n")),
        ("CRLF", pem.replace('\n', "\r\n")),
        ("spaces", pem.replace('\n', " ")),
        ("one line", one_line),
        ("indented", pem.replace('\n', "\n    ")),
        ("tabs at line ends", pem.replace('\n', "\t\n")),
        ("byte-order mark", format!("\u{feff}{pem}")),
        ("quoted", format!("\"{}\"", pem.trim_end())),
        ("no final newline", pem.trim_end().to_owned()),
    ] {
        ServiceAccountKey::from_json(&key_file(json!({"private_key": damaged}))).expect(what);
    }
}

const AS_DOWNLOADED: &str = "take `private_key` just as it stands in the file that Google handed out";
const NEW_KEY: &str = "create a new JSON key for the service account; Google makes RSA keys of 2048 bits";

/// Damage that leaves a doubt, and the sentence for it.
fn damaged_pems() -> Vec<(String, String)> {
    let pem = private_key();
    let lines: Vec<&str> = pem.lines().collect();
    let (begin, end) = (lines[0], *lines.last().expect("lines"));
    let body = lines[1..lines.len() - 1].join("\n");
    let with = |body: &str| format!("{begin}\n{body}\n{end}\n");
    let der = der_of(&pem);
    let from_der = |der: &[u8]| with(&BASE64_STANDARD.encode(der));
    let tell = |message: &str, hint: &str| format!("{message}; {hint}");
    vec![
        (body.clone(), tell("the private key has no line -----BEGIN PRIVATE KEY-----", AS_DOWNLOADED)),
        (format!("{begin}\n{body}\n"), tell("the private key has no END line: it is cut", AS_DOWNLOADED)),
        (
            pem.replace("END PRIVATE KEY", "END RSA PRIVATE KEY"),
            tell("the BEGIN and END lines of the private key do not match", AS_DOWNLOADED),
        ),
        (format!("{pem}{pem}"), tell("the field `private_key` holds more than one PEM block", AS_DOWNLOADED)),
        (
            pem.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
            tell(
                "the private key is encrypted with a passphrase",
                "decrypt it first: openssl pkcs8 -in key.pem -out plain.pem",
            ),
        ),
        (
            with(&format!("Proc-Type: 4,ENCRYPTED\n\n{body}")),
            tell(
                "the private key has header lines: it is encrypted with a passphrase, or not in the form that Google hands \
                 out",
                AS_DOWNLOADED,
            ),
        ),
        (
            pem.replace("PRIVATE KEY", "CERTIFICATE"),
            tell("the field `private_key` holds a certificate, not an RSA private key", AS_DOWNLOADED),
        ),
        (
            pem.replace("PRIVATE KEY", "PUBLIC KEY"),
            tell("the field `private_key` holds a public key, not an RSA private key", AS_DOWNLOADED),
        ),
        (
            with(&body.replace(['+', '/'], "_")),
            tell(
                "the private key is in the URL-safe alphabet of base64, not the standard one",
                AS_DOWNLOADED,
            ),
        ),
        (
            with(&format!("{body}*")),
            tell("the private key has a character in it that is not base64", AS_DOWNLOADED),
        ),
        (
            with("REDACTED"),
            tell("the private key is cut or damaged: it is not a whole DER structure", NEW_KEY),
        ),
        (with(""), tell("the private key has nothing between its BEGIN and END lines", AS_DOWNLOADED)),
        (
            with(&body[..body.len() - 7]),
            tell(
                "the private key is cut or has characters missing: its base64 does not add up",
                AS_DOWNLOADED,
            ),
        ),
        (
            with(&lines[2..lines.len() - 1].join("\n")),
            tell("the private key is cut or damaged: it is not a whole DER structure", NEW_KEY),
        ),
        (
            from_der(&der[..der.len() - 9]),
            tell("the private key is cut or damaged: it is not a whole DER structure", NEW_KEY),
        ),
        (
            from_der(&flipped(&der, der.len() - 40)),
            tell("the private key is damaged: its numbers do not fit together", NEW_KEY),
        ),
        (pem.replacen('\n', "\\", 1), tell("the private key has a stray backslash in it", AS_DOWNLOADED)),
    ]
}

fn flipped(der: &[u8], place: usize) -> Vec<u8> {
    let mut der = der.to_vec();
    der[place] ^= 1;
    der
}

#[test]
fn damaged_pem_is_told_without_a_byte_of_it() {
    let pem = private_key();
    let der = der_of(&pem);
    let canary = Canary::new(&pem, &[&der]);
    for (damaged, message) in damaged_pems() {
        let error = refused(&key_file(json!({"private_key": damaged})));
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Key, message));
        canary.assert_absent(&all_texts(&error));
    }
}

#[test]
fn canary_finds_a_planted_leak_in_each_form() {
    let pem = private_key();
    let der = der_of(&pem);
    let canary = Canary::new(&pem, &[&der]);
    let piece = &der[501..520];
    let hex: String = piece.iter().map(|b| format!("{b:02x}")).collect();
    for (form, leak) in [
        ("plain", pem[300..312].to_owned()),
        ("decimal list", format!("{piece:?}")),
        ("decimal list over lines", format!("{piece:#?}")),
        ("list of the text's bytes", format!("{:?}", &pem.as_bytes()[300..312])),
        ("base64", BASE64_STANDARD.encode(piece)),
        ("base64 of the text", BASE64_STANDARD.encode(&pem[301..330])),
        ("hex", hex),
        ("upper-case hex", format!("{:02X?}", piece).replace(", ", "")),
    ] {
        assert!(canary.find(&format!("key error: {leak} (bad)")).is_some(), "{form} is not found");
    }
    assert_eq!(canary.find("the private key is cut; -----BEGIN PRIVATE KEY-----"), None);
}

#[test]
fn debug_of_a_key_shows_who_and_not_what() {
    let pem = private_key();
    let key = throw_away_key();
    let builder = shortway::service_account(key.clone(), ["https://www.googleapis.com/auth/analytics"]);
    let mut texts = format!("{key:?} {key:#?} {builder:?}");
    texts += &format!("{:?}", builder.token_endpoint("https://example.com/token").build());
    assert!(texts.contains("fake@throw-away.iam.gserviceaccount.com"));
    Canary::new(&pem, &[&der_of(&pem)]).assert_absent(&texts);
}

#[test]
fn keys_of_every_other_kind_are_refused_by_name() {
    if !openssl::is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a path").to_owned();
    let generate = |arguments: &str, name: &str| {
        let mut arguments: Vec<&str> = arguments.split(' ').collect();
        let path = path(name);
        arguments.extend(["-out", &path]);
        openssl::run(arguments);
        std::fs::read_to_string(path).expect("a key")
    };
    let short = "the private key is too short: RS256 needs 2048 to 4096 bits and a public exponent of 65537";
    for (arguments, message) in [
        (
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
            "the private key is an elliptic-curve key, not RSA",
        ),
        ("genpkey -algorithm ED25519", "the private key is an Ed25519 key, not RSA"),
        (
            "genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
            "the private key is an RSA-PSS key, which cannot sign RS256",
        ),
        ("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024", short),
        ("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3", short),
        (
            "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_primes:3",
            "the private key has more than two primes, which is not supported",
        ),
        (
            "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -aes-256-cbc -pass pass:none",
            "the private key is encrypted with a passphrase",
        ),
    ] {
        let pem = generate(arguments, "other.pem");
        let error = refused(&key_file(json!({"private_key": pem})));
        assert_eq!((error.kind(), error.message()), (ErrorKind::Key, message), "{arguments}");
    }
    // PKCS#1, under its own label and under that of PKCS#8.
    openssl::new_rsa_key(folder.path());
    let pkcs1 = generate(&format!("rsa -traditional -in {}", path("private.pem")), "pkcs1.pem");
    for pem in [pkcs1.clone(), pkcs1.replace("RSA PRIVATE", "PRIVATE")] {
        ServiceAccountKey::from_json(&key_file(json!({"private_key": pem}))).expect("PKCS#1 is taken");
    }
}
