//! The text of the private key, and what kind of key it is.

use crate::fixture::{
    BEGIN, COPY, DER, END, LINES, NEW_KEY, PEM, PKCS1, assert_refused, assert_taken, assert_told, between,
    load_der, load_pem, pem, signs_right,
};
use crate::random::Random;
use crate::util::openssl;
use shortway::ErrorKind;
use std::fs;

const DECRYPT: &str = "decrypt it first: openssl pkcs8 -in key.pem -out plain.pem";

#[track_caller]
fn assert_key_told(what: &str, text: &str, message: &str, hint: &str) {
    assert_told(what, load_pem(text), ErrorKind::Key, &format!("{message}; {hint}"));
}

#[test]
fn line_ends_of_every_usual_kind_are_taken() {
    for end in [
        "\n",
        "\r",
        "\r\n",
        "\n\r",
        "\n\n\n",
        "",
        " ",
        "  \t ",
        "\t",
        " \n ",
        "\u{c}",
        "\\n",
        "\\r\\n",
        "\\\\n",
        "\\\\\\n",
        "\\\\\\\\r\\\\\\\\n",
        "\\n\n",
        "\n    ",
        "\\t",
    ] {
        assert_taken(&format!("{end:?}"), load_pem(&PEM.replace('\n', end)));
        assert_taken(&format!("{end:?}, none at the end"), load_pem(&PEM.trim_end().replace('\n', end)));
    }
    let body = LINES.concat();
    for width in [1, 2, 3, 63, 65, 76, 1000] {
        let characters: Vec<char> = body.chars().collect();
        let lines: Vec<String> = characters.chunks(width).map(|line| line.iter().collect()).collect();
        assert_taken(&format!("lines of {width}"), load_pem(&between(&lines.join("\n"))));
    }
}

#[test]
fn text_around_the_block_does_not_matter() {
    let text = &*PEM;
    for (what, around) in [
        (
            "openssl's attributes",
            format!("Bag Attributes\n    friendlyName: privatekey\nKey Attributes: <none>\n{text}"),
        ),
        ("a comment", format!("# the key\r\n{text}")),
        ("a YAML block", format!("|\n  {}", text.replace('\n', "\n  "))),
        ("quotes", format!("\"{}\"", text.trim_end())),
        ("a shell's quotes", format!("$'{}'", text.replace('\n', "\\n"))),
        ("junk behind", format!("{text}\n-- end of file --\n")),
        ("a NUL behind", format!("{text}\0")),
        ("base64 behind", format!("{text}QUJDREVGRw==\n")),
    ] {
        assert_taken(what, load_pem(&around));
    }
}

#[test]
fn missing_or_damaged_begin_and_end_lines_are_named() {
    let body = LINES.join("\n");
    let no_begin = "the private key has no line -----BEGIN PRIVATE KEY-----";
    let bad_begin = "the BEGIN line of the private key is damaged";
    let no_end = "the private key is incomplete: it has no END line";
    let mismatch = "the BEGIN and END lines of the private key do not match";
    for (what, text, message) in [
        ("nothing", String::new(), no_begin),
        ("words", "see the vault".to_owned(), no_begin),
        ("no BEGIN line", format!("{body}\n{END}\n"), no_begin),
        ("four dashes", PEM.replacen("-----BEGIN", "----BEGIN", 1), no_begin),
        ("lower case", PEM.to_lowercase(), no_begin),
        ("dashes of typesetters", PEM.replace("-----", "\u{2014}\u{2014}\u{2013}"), no_begin),
        ("no dashes", PEM.replace('-', ""), no_begin),
        ("no label", PEM.replacen("BEGIN PRIVATE KEY", "BEGIN", 1), no_begin),
        ("BEGIN alone", "-----BEGIN PRIVATE KEY".to_owned(), bad_begin),
        ("no END line", format!("{BEGIN}\n{body}\n"), no_end),
        ("END before BEGIN", format!("{END}\n{body}\n{BEGIN}\n"), no_end),
        ("END of four dashes", format!("{BEGIN}\n{body}\n----END PRIVATE KEY-----\n"), no_end),
        ("END cut", PEM.trim_end().trim_end_matches('-').to_owned(), no_end),
        ("END of another label", PEM.replace("END PRIVATE", "END PUBLIC"), mismatch),
        ("END of no label", PEM.replace("END PRIVATE KEY", "END "), mismatch),
    ] {
        assert_key_told(what, &text, message, COPY);
    }
}

#[test]
fn pkcs1_and_pkcs8_are_told_apart_by_content_not_by_label() {
    // PKCS#8 under the label of PKCS#1 is unambiguous, so it is accepted.
    for label in ["PRIVATE KEY", "RSA PRIVATE KEY"] {
        assert_taken("PKCS#8", load_pem(&pem(label, &DER)));
        assert_taken("PKCS#1", load_pem(&pem(label, &DER[PKCS1..])));
    }
}

#[test]
fn other_blocks_are_named() {
    for (label, what) in [
        ("PUBLIC KEY", "a public key"),
        ("RSA PUBLIC KEY", "a public key"),
        ("CERTIFICATE", "a certificate"),
        ("EC PRIVATE KEY", "an elliptic-curve key"),
        ("OPENSSH PRIVATE KEY", "an SSH key"),
        ("CERTIFICATE REQUEST", "something else"),
        ("DSA PRIVATE KEY", "something else"),
        ("private key", "something else"),
        ("PRIVATE KEY ", "something else"),
        ("PRIVATE  KEY", "something else"),
    ] {
        let message = format!("the field `private_key` has {what} in it, not an RSA private key");
        assert_key_told(label, &pem(label, &DER), &message, COPY);
    }
    let message = "the private key is encrypted with a passphrase";
    assert_key_told("encrypted", &pem("ENCRYPTED PRIVATE KEY", &DER), message, DECRYPT);
    let headers = format!("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n{}", LINES.join("\n"));
    let message = "the private key has header lines: it is encrypted, or not in the form that Google issues";
    assert_key_told("headers", &between(&headers), message, COPY);
}

#[test]
fn other_keys_under_the_right_label_are_named() {
    if !openssl::is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a path").to_owned();
    fs::write(path("private.pem"), &*PEM).expect("written");
    let der = |arguments: String| openssl::run(arguments.split(' ').collect::<Vec<_>>());
    let private = path("private.pem");
    for (what, arguments, message, hint) in [
        (
            "PKCS#8 with a passphrase",
            format!("pkcs8 -topk8 -in {private} -outform DER -passout pass:none"),
            "the private key is encrypted with a passphrase",
            DECRYPT,
        ),
        (
            "a public key",
            format!("pkey -in {private} -pubout -outform DER"),
            "the field `private_key` has a public key in it, not an RSA private key",
            COPY,
        ),
        (
            "a certificate",
            format!("req -new -x509 -key {private} -subj /CN=x -outform DER"),
            "the field `private_key` has a certificate in it, not an RSA private key",
            COPY,
        ),
        (
            "X25519",
            "genpkey -algorithm X25519 -outform DER".into(),
            "the field `private_key` has a key of another algorithm in it, not an RSA private key",
            COPY,
        ),
        (
            "Ed448",
            "genpkey -algorithm ED448 -outform DER".into(),
            "the field `private_key` has a key of another algorithm in it, not an RSA private key",
            COPY,
        ),
        (
            "an EC key by itself",
            "ecparam -name prime256v1 -genkey -noout -outform DER".into(),
            "the field `private_key` has an elliptic-curve key in it, not an RSA private key",
            COPY,
        ),
    ] {
        assert_key_told(what, &pem("PRIVATE KEY", &der(arguments)), message, hint);
    }
    let public = der(format!("rsa -in {private} -RSAPublicKey_out -outform DER"));
    assert_refused("a public key of PKCS#1", load_der(&public), ErrorKind::Key);
    let traditional = der(format!("rsa -in {private} -traditional -aes128 -passout pass:none"));
    let message = "the private key has header lines: it is encrypted, or not in the form that Google issues";
    let text = String::from_utf8(traditional).expect("PEM");
    assert_key_told("PKCS#1 with a passphrase", &text, message, COPY);
}

#[test]
fn second_block_is_refused() {
    let (one, other) = (&*PEM, pem("RSA PRIVATE KEY", &DER[PKCS1..]));
    let twice = "the field `private_key` has more than one PEM block";
    for (what, text) in [
        ("the same twice", format!("{one}{one}")),
        ("two forms", format!("{one}{other}")),
        ("on one line", format!("{one}{other}").replace('\n', "\\n")),
        ("a certificate behind", format!("{one}{}", pem("CERTIFICATE", b"x"))),
        ("one in the other", between(one)),
    ] {
        let error = assert_refused(what, load_pem(&text), ErrorKind::Key);
        let other = "the field `private_key` has a certificate in it, not an RSA private key";
        let expected = if what == "a certificate behind" { other } else { twice };
        assert_eq!(error.message(), expected, "{what}");
    }
}

#[test]
fn character_that_is_not_base64_is_refused_in_every_place() {
    let body = LINES.join("\n");
    let strange = "!\"#$%&'()*,.;<>?@[]^`{|}~\0\u{1}\u{8}\u{b}\
        \u{1b}\u{7f}\u{a0}\u{e9}\u{ff}\u{2028}\u{200b}\u{feff}\u{fffd}\u{ff0b}\u{1f511}";
    let places = [0, 1, 64, 65, 800, body.len() - 1, body.len()];
    for (message, characters) in [
        ("the private key has a character in it that is not base64", strange),
        ("the private key is in the URL-safe alphabet of base64, not in the standard one", "-_"),
        ("the private key has a backslash in it", "\\"),
        ("the private key has header lines: it is encrypted, or not in the form that Google issues", ":"),
    ] {
        for (character, place) in characters.chars().flat_map(|c| places.map(|place| (c, place))) {
            // In front of a letter that an escape could mean, a backslash is not stray.
            let before_escape = body[place..].starts_with(['n', 'r', 't']);
            if character == '\\' && before_escape {
                continue;
            }
            let mut damaged = body.clone();
            damaged.insert(place, character);
            let what = format!("{character:?} at {place}");
            assert_key_told(&what, &between(&damaged), message, COPY);
        }
    }
    for place in [0, 64, 800] {
        let mut damaged = body.clone();
        damaged.insert(place, '=');
        let message = "the private key is incomplete: its base64 has missing or extra characters";
        assert_key_told("padding inside", &between(&damaged), message, COPY);
    }
}

#[test]
fn every_missing_or_doubled_line_is_refused() {
    for line in 0..LINES.len() {
        let mut lines = LINES.clone();
        lines.remove(line);
        assert_refused(
            &format!("without line {line}"),
            load_pem(&between(&lines.join("\n"))),
            ErrorKind::Key,
        );
        let mut lines = LINES.clone();
        lines.insert(line, LINES[line]);
        assert_refused(&format!("line {line} twice"), load_pem(&between(&lines.join("\n"))), ErrorKind::Key);
        if line > 0 {
            let mut lines = LINES.clone();
            lines.swap(line - 1, line);
            // The private exponent is not what ring signs with: where only that is hurt, the key is as good
            // as before.
            match load_pem(&between(&lines.join("\n"))) {
                Ok(key) => assert!(signs_right(&key), "lines {} and {line} swapped", line - 1),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Key),
            }
        }
    }
}

#[test]
fn placeholder_is_refused() {
    for body in [
        "REDACTED",
        "[REDACTED]",
        "***",
        "...",
        "<your private key>",
        "XXXXXXXXXXXXXXXX",
        "AAAA",
        "MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQ==",
        "${PRIVATE_KEY}",
        "{{ private_key }}",
        "\u{2026}",
        "",
        " \\n ",
    ] {
        assert_refused(body, load_pem(&between(body)), ErrorKind::Key);
        assert_refused(body, load_pem(body), ErrorKind::Key);
    }
}

/// A PKCS#1 key of these numbers, which need not fit together; the others are drawn.
fn made_up(bits: usize, exponent: &[u8]) -> Vec<u8> {
    let mut random = Random::new(bits as u64);
    let mut number = |bits: usize| {
        let mut bytes = random.bytes(bits.div_ceil(8));
        bytes[0] |= 0x80;
        bytes[0] >>= (8 - bits % 8) % 8;
        *bytes.last_mut().expect("bytes") |= 1;
        integer(&bytes)
    };
    let half = bits / 2;
    let parts = [
        integer(&[0]),
        number(bits),
        integer(exponent),
        number(bits - 1),
        number(half),
        number(half),
        number(half - 1),
        number(half - 1),
        number(half - 1),
    ];
    element(0x30, &parts.concat())
}

fn integer(bytes: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if bytes[0] >= 0x80 { &[0] } else { &[] };
    element(0x02, &[sign, bytes].concat())
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("under 64 KiB").to_be_bytes();
    let head = match length {
        [0, short @ 0..0x80] => vec![tag, short],
        [0, long] => vec![tag, 0x81, long],
        [high, low] => vec![tag, 0x82, high, low],
    };
    [head.as_slice(), content].concat()
}

const USUAL: &[u8] = &[1, 0, 1];

#[test]
fn key_of_another_size_is_told_its_size_and_which_are_taken() {
    let short = |bits| format!("the private key is too short: it has {bits} bits, and 2048 are required");
    let long =
        |bits| format!("the private key is too long: it has {bits} bits, and at most 4096 are supported");
    let odd = |bits| format!("the private key has {bits} bits: only 2048, 3072 and 4096 are supported");
    for (bits, message) in [
        (512, short(512)),
        (1024, short(1024)),
        (2040, short(2040)),
        (2050, odd(2050)),
        (2056, odd(2056)),
        (2064, odd(2064)),
        (2560, odd(2560)),
        (4104, long(4104)),
        (8192, long(8192)),
        (16_384, long(16_384)),
    ] {
        let key = pem("RSA PRIVATE KEY", &made_up(bits, USUAL));
        assert_key_told(&format!("{bits} bits"), &key, &message, NEW_KEY);
    }
    let message = "the private key is damaged: its numbers do not match";
    assert_key_told("numbers drawn", &pem("RSA PRIVATE KEY", &made_up(2048, USUAL)), message, NEW_KEY);
}

#[test]
fn sound_keys_of_2048_and_4096_bits_are_taken_and_those_between_are_told_their_size() {
    if !openssl::is_there() {
        return;
    }
    let make = |bits: &str| {
        let bits = format!("rsa_keygen_bits:{bits}");
        openssl::run(["genpkey", "-algorithm", "RSA", "-outform", "DER", "-pkeyopt", &bits])
    };
    for bits in ["2048", "4096"] {
        load_der(&make(bits)).expect(bits);
    }
    let short = "the private key is too short: it has 2047 bits, and 2048 are required";
    assert_key_told("2047 bits", &pem("PRIVATE KEY", &make("2047")), short, NEW_KEY);
    for bits in ["2050", "2056", "2064"] {
        let message = format!("the private key has {bits} bits: only 2048, 3072 and 4096 are supported");
        assert_key_told(bits, &pem("PRIVATE KEY", &make(bits)), &message, NEW_KEY);
    }
}

#[test]
fn public_exponent_out_of_range_is_told_as_that() {
    let small = "the public exponent of the private key is too small: 65537 is usual";
    let large = "the public exponent of the private key is too large: 65537 is usual";
    let broken = "the private key is incomplete or damaged: it is not a complete DER structure";
    for (exponent, message) in [
        (&[0][..], broken),
        (&[1], small),
        (&[2], small),
        (&[3], small),
        (&[17], small),
        (&[1, 0, 0], small),
        (&[2, 0, 0, 0, 1], large),
        (&[3, 0xff, 0xff, 0xff, 0xff], large),
        (&[0x7f; 16], large),
    ] {
        let key = pem("RSA PRIVATE KEY", &made_up(2048, exponent));
        assert_key_told(&format!("exponent {exponent:?}"), &key, message, NEW_KEY);
    }
}

#[test]
fn key_of_more_than_two_primes_is_refused() {
    // RFC 8017 A.1.2: version 1, and the further primes at the end.
    let mut multi = DER[PKCS1..].to_vec();
    let version = 6;
    assert_eq!(multi[version - 2..=version], [0x02, 0x01, 0x00], "the version of the throw-away key");
    multi[version] = 1;
    let message = "the private key has more than two primes, which is not supported";
    assert_key_told("version 1", &pem("RSA PRIVATE KEY", &multi), message, NEW_KEY);
}
