//! Key files: what is read, what is refused, in which words, and that no byte of a key is in them.

mod util;

#[path = "key_faults/fixture.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared by test programs")]
mod fixture;

use base64::prelude::{BASE64_STANDARD, Engine};
use fixture::{
    BEGIN, CANARY, COPY, DER, DOWNLOAD, FIELDS, LINES, NEW_KEY, PEM, assert_refused, assert_taken,
    assert_told, between, load_pem, pem, with_field, without_field,
};
use serde_json::{Value, json};
use shortway::testing::{THROW_AWAY_KEY_JSON, throw_away_key};
use shortway::{Error, ErrorKind, ServiceAccountKey};
use util::canary::all_texts;
use util::openssl;

fn load(text: impl AsRef<str>) -> Result<ServiceAccountKey, Error> {
    ServiceAccountKey::from_json(text.as_ref())
}

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
fn optional_fields_may_be_absent() {
    let mut fields = FIELDS.clone();
    fields.retain(|name, _| ["type", "client_email", "private_key"].contains(&name.as_str()));
    let key = assert_taken("the rest is enough", load(Value::Object(fields).to_string()));
    assert_eq!((key.key_id(), key.token_uri()), (None, None));
}

#[test]
fn missing_file_is_named() {
    let error = ServiceAccountKey::from_file("no/such/key.json").expect_err("no file");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(error.path(), Some("no/such/key.json".as_ref()));
    assert_eq!(
        error.to_string(),
        "cannot read the key file no/such/key.json: it does not exist; check the path; it is relative to \
         the directory that the program runs in"
    );
}

#[test]
fn key_given_as_a_path_is_not_shown() {
    let one_line = THROW_AWAY_KEY_JSON.replace('\n', " ");
    for key in [THROW_AWAY_KEY_JSON, one_line.as_str(), PEM.as_str(), &format!("'{THROW_AWAY_KEY_JSON}'")] {
        let error = ServiceAccountKey::from_file(key).expect_err("no path");
        assert_eq!(
            error.to_string(),
            "what was given as the path of a key file is the key itself; write it to a file, or load it \
             with ServiceAccountKey::from_json"
        );
        assert_eq!(error.path(), None);
        CANARY.assert_absent(&all_texts(&error));
    }
}

#[test]
fn directory_and_device_are_refused_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("key.json"), THROW_AWAY_KEY_JSON).expect("written");
    let error = ServiceAccountKey::from_file(folder.path()).expect_err("a directory");
    assert_eq!(error.hint(), Some("give the path of the JSON file in it"));
    if cfg!(unix) {
        let error = ServiceAccountKey::from_file("/dev/zero").expect_err("a device");
        assert_eq!(error.message(), "cannot read the key file /dev/zero: it is not a regular file");
    }
}

#[test]
fn other_credentials_are_named_by_their_type() {
    for (text, message) in [
        (
            with_field("type", "authorized_user"),
            "the key file is of type `authorized_user`, not `service_account`; it is the login of a person, \
             made by `gcloud auth application-default login`; an unattended program needs a service \
             account's key file",
        ),
        (
            with_field("type", "external_account"),
            "the key file is of type `external_account`, not `service_account`; this crate reads only \
             service account keys; gcp_auth and google-cloud-auth read this type",
        ),
        (
            with_field("type", "impersonated_service_account"),
            "the key file is of type `impersonated_service_account`, not `service_account`; this crate \
             reads only service account keys; gcp_auth and google-cloud-auth read this type",
        ),
        (
            without_field("type"),
            "the key file has no field `type`; a service account's key file says \"type\": \
             \"service_account\"; a file with `web` or `installed` in it is an OAuth client, which is not \
             an account",
        ),
    ] {
        assert_told(&text, load(&text), ErrorKind::Config, message);
    }
    // The type comes first: a file of another type is never asked for fields.
    assert_told(
        "no other field",
        load(r#"{"type": "gdch_service_account"}"#),
        ErrorKind::Config,
        "the key file is of type `gdch_service_account`, not `service_account`; this crate reads only \
         service account keys; gcp_auth and google-cloud-auth read this type",
    );
}

#[test]
fn missing_and_wrong_fields_are_named() {
    for name in ["client_email", "private_key"] {
        let message = format!("the key file has no field `{name}`; {DOWNLOAD}");
        assert_told("refused", load(without_field(name)), ErrorKind::Config, &message);
        let message = format!("the field `{name}` of the key file is a number, not a string; {DOWNLOAD}");
        assert_told("refused", load(with_field(name, 5)), ErrorKind::Config, &message);
    }
    assert_told(
        "refused",
        load(with_field("type", json!(["service_account"]))),
        ErrorKind::Config,
        &format!("the field `type` of the key file is an array, not a string; {DOWNLOAD}"),
    );
    for email in ["", "nobody", "a b@c.d", "a@b\r\nX: y", "@x.y", "a@", &"a".repeat(400)] {
        assert_told(
            "refused",
            load(with_field("client_email", email)),
            ErrorKind::Config,
            "the field `client_email` is not the e-mail address of a service account; it looks like \
             name@project.iam.gserviceaccount.com",
        );
    }
    assert_told(
        "refused",
        load(with_field("private_key_id", "a\nb")),
        ErrorKind::Config,
        "the field `private_key_id` is not a key id; it is 40 hexadecimal digits; remove the field if the \
         id is not known",
    );
    assert_told(
        "refused",
        load(with_field("universe_domain", "example.com")),
        ErrorKind::Config,
        "the field `universe_domain` of the key file is not `googleapis.com`; other universes are not \
         supported",
    );
}

#[test]
fn text_that_is_not_json_is_named() {
    let twice = THROW_AWAY_KEY_JSON.replacen('{', r#"{"client_email": "evil@example.com","#, 1);
    let deep = with_field("x", 0).replace("\"x\":0", &format!("\"x\":{}", "[".repeat(200)));
    for (text, message) in [
        (String::new(), format!("the key file is empty; {DOWNLOAD}")),
        (
            PEM.clone(),
            "the key file is a private key in PEM, not the JSON around it; the account's e-mail address is \
             needed too: give the JSON key file as it was downloaded"
                .into(),
        ),
        ("null".into(), format!("the key file is not a JSON object; {DOWNLOAD}")),
        ("[1, 2]".into(), format!("the key file is not a JSON object; {DOWNLOAD}")),
        ("{'type': 1}".into(), format!("the key file is not valid JSON (line 1, column 2); {DOWNLOAD}")),
        (
            "{\"type\"".into(),
            format!(
                "the key file is incomplete: its JSON ends too early (line 1, column \
          7); {DOWNLOAD}"
            ),
        ),
    ] {
        assert_told(&text, load(&text), ErrorKind::Config, &message);
    }
    let place = "the key file is not valid JSON (line ";
    for (what, text, begin) in [
        ("a field twice", &twice, "the key file has the field `client_email` twice (line "),
        ("something behind", &format!("{THROW_AWAY_KEY_JSON} x"), place),
        ("nested deeply", &deep, place),
    ] {
        let error = assert_refused(what, load(text), ErrorKind::Config);
        assert!(error.message().starts_with(begin), "{what}: {error}");
    }
    let raw = THROW_AWAY_KEY_JSON.replace("\\n", "\n");
    let told = "the key file has a line break inside a string (line 6, column 0); write line breaks inside \
                `private_key` as \\n, as in the file that was downloaded";
    assert_told("raw line breaks", load(&raw), ErrorKind::Config, told);
    assert_told(
        "base64 and more",
        load(BASE64_STANDARD.encode(THROW_AWAY_KEY_JSON) + "!"),
        ErrorKind::Config,
        "the key file is base64, not the JSON itself; what it decodes to is not a key file either: give the \
         JSON key file as it was downloaded",
    );
    assert_told(
        "refused",
        load(with_field("x", "y".repeat(70_000))),
        ErrorKind::TooLarge,
        "the key file is larger than 64 KiB; the JSON key file of a service account has about 2.4 KiB: \
         check which file this is",
    );
    let error = ServiceAccountKey::from_reader(std::io::repeat(b' ')).expect_err("endless");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[test]
fn bytes_that_are_not_text_are_named() {
    let utf16: Vec<u8> = "\u{feff}{".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, message) in [
        (utf16.as_slice(), "the key file is UTF-16 text; save it as UTF-8"),
        (
            &[0x30, 0x82, 0x09, 0x5a, 0x02, 0x01, 0x03, 0xff],
            "the key file is a PKCS#12 (.p12) file; create a JSON key for the service account, or convert \
             this one: `openssl pkcs12 -legacy -in key.p12 -nodes -nocerts -passin pass:notasecret` prints \
             the value of `private_key` (OpenSSL before 3.0: without -legacy)",
        ),
        (b"{\xff}", "the key file is not UTF-8 text; give the JSON key file as it was downloaded"),
    ] {
        let error = ServiceAccountKey::from_bytes(bytes).expect_err("no text");
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Config, message));
    }
}

/// PEMs that lost their shape on the way but not a bit of the key.
#[test]
fn pem_with_damaged_line_breaks_is_taken() {
    let pem = &*PEM;
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
        assert_taken(what, load_pem(&damaged));
    }
}

/// Damage that leaves a doubt, and the sentence for it.
fn damaged_pems() -> Vec<(String, String)> {
    let body = LINES.join("\n");
    let tell = |message: &str, hint: &str| format!("{message}; {hint}");
    vec![
        (body.clone(), tell("the private key has no line -----BEGIN PRIVATE KEY-----", COPY)),
        (format!("{BEGIN}\n{body}\n"), tell("the private key is incomplete: it has no END line", COPY)),
        (
            PEM.replace("END PRIVATE KEY", "END RSA PRIVATE KEY"),
            tell("the BEGIN and END lines of the private key do not match", COPY),
        ),
        (format!("{}{}", *PEM, *PEM), tell("the field `private_key` has more than one PEM block", COPY)),
        (
            PEM.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
            tell(
                "the private key is encrypted with a passphrase",
                "decrypt it first: openssl pkcs8 -in key.pem -out plain.pem",
            ),
        ),
        (
            between(&format!("Proc-Type: 4,ENCRYPTED\n\n{body}")),
            tell(
                "the private key has header lines: it is encrypted, or not in the form that Google issues",
                COPY,
            ),
        ),
        (
            PEM.replace("PRIVATE KEY", "CERTIFICATE"),
            tell("the field `private_key` has a certificate in it, not an RSA private key", COPY),
        ),
        (
            PEM.replace("PRIVATE KEY", "PUBLIC KEY"),
            tell("the field `private_key` has a public key in it, not an RSA private key", COPY),
        ),
        (
            between(&body.replace(['+', '/'], "_")),
            tell("the private key is in the URL-safe alphabet of base64, not in the standard one", COPY),
        ),
        (
            between(&format!("{body}*")),
            tell("the private key has a character in it that is not base64", COPY),
        ),
        (
            between("REDACTED"),
            tell("the private key is incomplete or damaged: it is not a complete DER structure", NEW_KEY),
        ),
        (between(""), tell("the private key has nothing between its BEGIN and END lines", COPY)),
        (
            between(&body[..body.len() - 7]),
            tell("the private key is incomplete: its base64 has missing or extra characters", COPY),
        ),
        (
            between(&LINES[1..].join("\n")),
            tell("the private key is incomplete or damaged: it is not a complete DER structure", NEW_KEY),
        ),
        (
            pem("PRIVATE KEY", &DER[..DER.len() - 9]),
            tell("the private key is incomplete or damaged: it is not a complete DER structure", NEW_KEY),
        ),
        (
            pem("PRIVATE KEY", &flipped(&DER, DER.len() - 40)),
            tell("the private key is damaged: its numbers do not match", NEW_KEY),
        ),
        (PEM.replacen('\n', "\\", 1), tell("the private key has a backslash in it", COPY)),
    ]
}

fn flipped(der: &[u8], place: usize) -> Vec<u8> {
    let mut der = der.to_vec();
    der[place] ^= 1;
    der
}

#[test]
fn damaged_pem_is_refused_without_showing_a_byte_of_it() {
    for (damaged, message) in damaged_pems() {
        assert_told(&message, load_pem(&damaged), ErrorKind::Key, &message);
    }
}

#[test]
fn canary_finds_a_planted_leak_in_each_form() {
    let piece = &DER[501..520];
    let hex: String = piece.iter().map(|b| format!("{b:02x}")).collect();
    for (form, leak) in [
        ("plain", PEM[300..312].to_owned()),
        ("decimal list", format!("{piece:?}")),
        ("decimal list over lines", format!("{piece:#?}")),
        ("list of the text's bytes", format!("{:?}", &PEM.as_bytes()[300..312])),
        ("base64", BASE64_STANDARD.encode(piece)),
        ("base64 of the text", BASE64_STANDARD.encode(&PEM[301..330])),
        ("hex", hex),
        ("upper-case hex", format!("{:02X?}", piece).replace(", ", "")),
    ] {
        assert!(CANARY.find(&format!("key error: {leak} (bad)")).is_some(), "{form} is not found");
    }
    assert_eq!(CANARY.find("the private key is damaged; -----BEGIN PRIVATE KEY-----"), None);
}

#[test]
fn debug_of_a_key_shows_the_account_and_not_the_key() {
    let key = throw_away_key();
    let builder = shortway::service_account(key.clone(), ["https://www.googleapis.com/auth/analytics"]);
    let mut texts = format!("{key:?} {key:#?} {builder:?}");
    texts += &format!("{:?}", builder.token_endpoint("https://example.com/token").build());
    assert!(texts.contains("fake@throw-away.iam.gserviceaccount.com"));
    CANARY.assert_absent(&texts);
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
    let short = "the private key is too short: it has 1024 bits, and 2048 are required";
    let small = "the public exponent of the private key is too small: 65537 is usual";
    for (arguments, message) in [
        (
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
            "the field `private_key` has an elliptic-curve key in it, not an RSA private key",
        ),
        (
            "genpkey -algorithm ED25519",
            "the field `private_key` has an Ed25519 key in it, not an RSA private key",
        ),
        (
            "genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
            "the field `private_key` has an RSA-PSS key in it, not an RSA private key",
        ),
        ("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024", short),
        ("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3", small),
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
        let error = assert_refused(arguments, load_pem(&pem), ErrorKind::Key);
        assert_eq!(error.message(), message, "{arguments}");
    }
    // PKCS#1, under its own label and under that of PKCS#8.
    openssl::new_rsa_key(folder.path());
    let pkcs1 = generate(&format!("rsa -traditional -in {}", path("private.pem")), "pkcs1.pem");
    for pem in [pkcs1.clone(), pkcs1.replace("RSA PRIVATE", "PRIVATE")] {
        load_pem(&pem).expect("PKCS#1 is taken");
    }
}
