//! A key in parts, as environment variables have it.

mod util;

#[path = "key_faults/fixture.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared by test programs")]
mod fixture;

use fixture::{COPY, PEM, assert_refused, assert_taken, assert_told, pem};
use shortway::testing::{FakeGoogle, THROW_AWAY_KEY_JSON};
use shortway::{Error, ErrorKind, ServiceAccountKey, TokenSource, scope};

const EMAIL: &str = "fake@throw-away.iam.gserviceaccount.com";
const KEY_ID: &str = "throw-away-key-for-tests-it-is-no-secret";

fn parts(email: &str, pem: &str, key_id: &str) -> Result<ServiceAccountKey, Error> {
    ServiceAccountKey::from_parts(email, pem, Some(key_id.to_owned()))
}

#[test]
fn key_from_parts_is_the_key_of_the_file() {
    let key = assert_taken("the parts", parts(EMAIL, &PEM, KEY_ID));
    assert_eq!((key.client_email(), key.key_id()), (EMAIL, Some(KEY_ID)));
    assert_eq!((key.project_id(), key.token_uri()), (None, None));
    let no_id = assert_taken("no id", parts(EMAIL, &PEM, ""));
    assert_eq!(no_id.key_id(), None);
    let google = FakeGoogle::builder().start().expect("a fake");
    for key in [key, no_id] {
        let tokens = shortway::service_account(key, [scope::ANALYTICS_READONLY]);
        tokens.token_endpoint(google.token_url()).build().expect("a source").token().expect("a token");
    }
}

#[test]
fn private_key_is_repaired_as_in_a_key_file() {
    for (what, pem) in [
        ("literal \\n", PEM.replace('\n', "\\n")),
        ("blanks", PEM.replace('\n', " ")),
        ("CRLF", PEM.replace('\n', "\r\n")),
        ("quotes", format!("\"{}\"", PEM.replace('\n', "\\n"))),
        ("nothing for line breaks", PEM.replace('\n', "")),
    ] {
        assert_taken(what, parts(EMAIL, &pem, KEY_ID));
    }
}

#[test]
fn part_that_is_not_one_is_named() {
    let email = "the field `client_email` is not the e-mail address of a service account; it looks like \
                 name@project.iam.gserviceaccount.com";
    let key_id = "the field `private_key_id` is not a key id; it is 40 hexadecimal digits; remove the field \
                  if \
                  the id is not known";
    assert_told("no e-mail", parts("", &PEM, KEY_ID), ErrorKind::Config, email);
    assert_told("the key as the e-mail", parts(&PEM, &PEM, KEY_ID), ErrorKind::Config, email);
    assert_told("the key as the id", parts(EMAIL, &PEM, &PEM), ErrorKind::Config, key_id);
    for (what, text, message) in [
        ("nothing", "", "the private key has no line -----BEGIN PRIVATE KEY-----"),
        ("a path", "/run/secrets/key.pem", "the private key has no line -----BEGIN PRIVATE KEY-----"),
        ("a half", &PEM[..800], "the private key is incomplete: it has no END line"),
        (
            "a certificate",
            &pem("CERTIFICATE", b"x"),
            "the field `private_key` has a certificate in it, not an RSA private key",
        ),
    ] {
        let error = assert_refused(what, parts(EMAIL, text, KEY_ID), ErrorKind::Key);
        assert_eq!(error.to_string(), format!("{message}; {COPY}"), "{what}");
    }
    let large = PEM.replace('\n', &" ".repeat(4000));
    assert_refused("over 64 KiB", parts(EMAIL, &large, KEY_ID), ErrorKind::TooLarge);
}

#[test]
fn whole_key_file_in_the_place_of_the_private_key_is_read_for_its_private_key() {
    assert_taken("the JSON", parts(EMAIL, THROW_AWAY_KEY_JSON, KEY_ID));
}
