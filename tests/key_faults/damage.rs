//! Damages a key file in the ways in which files, shells, editors and people do, by a seed.

use crate::fixture::{BEGIN, DER, END, FIELDS, LINES, PEM};
use crate::random::Random;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::{Value, json};

/// A damaged key file, and what was done to it.
pub(crate) struct Damaged {
    pub(crate) how: String,
    pub(crate) file: Vec<u8>,
}

type ToPem = fn(&mut Random, String) -> String;
type ToFile = fn(&mut Random, String) -> Vec<u8>;

/// Key file number `case` of the run: each way of damage by itself first, then several at once.
pub(crate) fn damaged(case: usize) -> Damaged {
    let random = &mut Random::new(case as u64);
    let (pems, files) = (TO_PEM.len(), TO_FILE.len());
    let alone = case % (3 * (pems + files));
    let (mut chosen, mut at_last) = (Vec::new(), None);
    if case < 9 * (pems + files) {
        match alone % (pems + files) {
            n if n < pems => chosen.push(TO_PEM[n]),
            n => at_last = Some(TO_FILE[n - pems]),
        }
    } else {
        chosen.extend((0..random.below(4)).map(|_| random.pick(TO_PEM)));
        at_last = (chosen.is_empty() || random.below(2) == 0).then(|| random.pick(TO_FILE));
    }
    let mut how: Vec<&str> = Vec::new();
    let mut pem = PEM.clone();
    for (name, damage) in chosen {
        how.push(name);
        pem = damage(random, pem);
    }
    let mut fields = FIELDS.clone();
    fields.insert("private_key".into(), pem.into());
    let text = if random.below(2) == 0 {
        Value::Object(fields).to_string()
    } else {
        format!("{:#}", Value::Object(fields))
    };
    let file = match at_last {
        Some((name, damage)) => {
            how.push(name);
            damage(random, text)
        }
        None => text.into_bytes(),
    };
    Damaged { how: format!("case {case}: {}", how.join(", then ")), file }
}

/// How many cases give every way of damage nine turns by itself.
pub(crate) fn each_alone() -> usize {
    9 * (TO_PEM.len() + TO_FILE.len())
}

/// What ends up in files by accident, and what was put there on purpose.
const STRANGE: &[&str] = &[
    "\0",
    "\"",
    "'",
    "\\",
    "\\n",
    "\\u0000",
    "\n",
    "\r",
    "\t",
    "\u{1b}[31m",
    "\u{7f}",
    "-",
    "-----",
    ":",
    "::",
    "{",
    "}",
    "[",
    ",",
    "\u{e9}",
    "\u{2028}",
    "\u{202e}",
    "\u{feff}",
    "\u{1f511}",
    "\u{fffd}",
    "%s",
    "%00",
    "{}",
    "{0}",
    "${KEY}",
    "=",
    "==",
    "<",
    "&amp;",
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "Proc-Type: 4,ENCRYPTED\n",
];

const LABELS: &[&str] = &[
    "RSA PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "EC PRIVATE KEY",
    "PUBLIC KEY",
    "CERTIFICATE",
    "OPENSSH PRIVATE KEY",
    "private key",
    "PRIVATE KEY ",
    "",
    "PRIVATE KEY\u{e9}",
    "PGP MESSAGE",
];

const TO_PEM: &[(&str, ToPem)] = &[
    ("a line dropped", |random, pem| {
        let mut lines: Vec<&str> = pem.lines().collect();
        if !lines.is_empty() {
            lines.remove(random.below(lines.len()));
        }
        lines.join("\n")
    }),
    ("a line doubled", |random, pem| {
        let mut lines: Vec<&str> = pem.lines().collect();
        if !lines.is_empty() {
            lines.insert(random.below(lines.len()), lines[random.below(lines.len())]);
        }
        lines.join("\n")
    }),
    ("two lines swapped", |random, pem| {
        let mut lines: Vec<&str> = pem.lines().collect();
        if !lines.is_empty() {
            let count = lines.len();
            lines.swap(random.below(count), random.below(count));
        }
        lines.join("\n")
    }),
    ("characters changed", |random, pem| {
        let mut characters: Vec<char> = pem.chars().collect();
        for _ in 0..=random.below(4) {
            let place = random.below(characters.len());
            if let Some(character) = characters.get_mut(place) {
                *character = char::from(random.pick(b"ABCabc019+/=-_ \\:*\x7f"));
            }
        }
        characters.into_iter().collect()
    }),
    ("something strange inserted", |random, pem| insert(random, &pem, STRANGE)),
    ("another label", |random, pem| pem.replace("PRIVATE KEY", random.pick(LABELS))),
    ("another label on one side", |random, pem| pem.replacen("PRIVATE KEY", random.pick(LABELS), 1)),
    ("cut at the end", |random, pem| pem.chars().take(random.below(pem.len())).collect()),
    ("cut at the start", |random, pem| pem.chars().skip(random.below(pem.len())).collect()),
    ("wrapped again", |random, pem| {
        let width = 1 + random.below(200);
        let characters: Vec<char> = pem.replace('\n', "").chars().collect();
        let lines: Vec<String> = characters.chunks(width).map(|line| line.iter().collect()).collect();
        lines.join(random.pick(&["\n", "\\n", " ", "\r\n", "\n  "]))
    }),
    ("other line ends", |random, pem| {
        pem.replace(
            '\n',
            random.pick(&["", "\\n", "\\\\n", " ", "\r", "\r\n", "\t", "\u{2028}", "\u{b}", "\\"]),
        )
    }),
    ("URL-safe alphabet", |_, pem| pem.replace('+', "-").replace('/', "_")),
    ("base64 of the base64", |_, _| between(&BASE64_STANDARD.encode(LINES.join("\n")))),
    ("base64 of the PEM", |_, pem| BASE64_STANDARD.encode(pem)),
    ("base64url of the PEM", |_, pem| BASE64_URL_SAFE.encode(pem)),
    ("hex", |_, _| between(&hex(&DER))),
    ("upper-case hex", |_, _| between(&hex(&DER).to_uppercase())),
    ("hex with colons", |_, _| {
        between(&DER.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(":"))
    }),
    ("a list of numbers", |_, _| between(&format!("{:?}", *DER))),
    ("percent-encoded", |_, pem| pem.bytes().map(|b| format!("%{b:02X}")).collect()),
    ("percent-encoded where needed", |_, pem| {
        pem.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D").replace('\n', "%0A").replace(' ', "+")
    }),
    ("HTML", |_, pem| format!("<pre>{}</pre>", pem.replace('+', "&#43;"))),
    ("a bit of the DER flipped", |random, _| {
        let mut der = DER.clone();
        let place = random.below(der.len());
        der[place] ^= 1 << random.below(8);
        between(&BASE64_STANDARD.encode(der))
    }),
    ("the DER cut", |random, _| between(&BASE64_STANDARD.encode(&DER[..random.below(DER.len())]))),
    ("a piece of the DER replaced", |random, _| {
        let mut der = DER.clone();
        let start = random.below(der.len() - 20);
        let length = 1 + random.below(20);
        der.splice(start..start + length, random.bytes(length));
        between(&BASE64_STANDARD.encode(der))
    }),
    ("the DER without a head", |random, _| between(&BASE64_STANDARD.encode(&DER[random.below(60)..]))),
    ("twice", |_, pem| format!("{pem}{pem}")),
    ("quoted", |random, pem| {
        let quote = random.pick(&["\"", "'", "`", "\u{201c}", "\\\"", "'''"]);
        format!("{quote}{pem}{quote}")
    }),
    ("upper case", |_, pem| pem.to_uppercase()),
    ("lower case", |_, pem| pem.to_lowercase()),
    ("backwards", |_, pem| pem.chars().rev().collect()),
    ("the body alone", |_, _| LINES.concat()),
    ("words around", |random, pem| format!("{}{pem}{}", random.pick(STRANGE), random.pick(STRANGE))),
];

const TO_FILE: &[(&str, ToFile)] = &[
    ("the file cut", |random, text| text.chars().take(random.below(text.len())).collect::<String>().into()),
    ("the file without its start", |random, text| {
        text.chars().skip(random.below(text.len())).collect::<String>().into()
    }),
    ("a quote lost", |random, text| {
        let quotes: Vec<usize> = text.match_indices('"').map(|(place, _)| place).collect();
        let mut text = text;
        text.remove(random.pick(&quotes));
        text.into()
    }),
    ("a backslash lost", |random, text| {
        let mut text = text;
        let places: Vec<usize> = text.match_indices('\\').map(|(place, _)| place).collect();
        if !places.is_empty() {
            text.remove(random.pick(&places));
        }
        text.into()
    }),
    ("something strange in the file", |random, text| insert(random, &text, STRANGE).into()),
    ("newlines not escaped", |_, text| text.replace("\\n", "\n").into()),
    ("a byte that is no UTF-8", |random, text| {
        let mut bytes = text.into_bytes();
        bytes.insert(random.below(bytes.len()), random.pick(&[0xff, 0xc3, 0x80, 0xfe]));
        bytes
    }),
    ("a bit of the file flipped", |random, text| {
        let mut bytes = text.into_bytes();
        let place = random.below(bytes.len());
        bytes[place] ^= 1 << random.below(8);
        bytes
    }),
    ("UTF-16", |random, text| {
        let mark = random.pick(&["", "\u{feff}"]);
        let units = format!("{mark}{text}");
        let little = random.below(2) == 0;
        let bytes = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
        units.encode_utf16().flat_map(bytes).collect()
    }),
    ("base64 of the file", |_, text| BASE64_STANDARD.encode(text).into()),
    ("a string of the file", |_, text| json!(text).to_string().into()),
    ("an array around it", |_, text| format!("[{text}]").into()),
    ("the key in another field", |random, text| {
        let piece = piece(random);
        paste(random, &text, FIELD_NAMES, &piece)
    }),
    ("the key beside the text of another field", |random, text| {
        let (name, piece) = (random.pick(FIELD_NAMES), piece(random));
        let own = FIELDS.get(name).and_then(Value::as_str).unwrap_or_default();
        let value = if random.below(2) == 0 { format!("{piece}{own}") } else { format!("{own}{piece}") };
        paste(random, &text, &[name], &value)
    }),
    ("the key as the user of an address", |random, text| {
        let value = format!("{}@throw-away.iam.gserviceaccount.com", piece(random));
        paste(random, &text, &["client_email"], &value)
    }),
    ("the key as the domain of an address", |random, text| {
        let value = format!("fake@{}", piece(random));
        paste(random, &text, &["client_email"], &value)
    }),
    ("the key in the endpoint", |random, text| {
        let value = format!("https://{}/token", piece(random));
        paste(random, &text, &["token_uri"], &value)
    }),
    ("fields swapped", |random, text| {
        let Ok(Value::Object(mut fields)) = serde_json::from_str(&text) else { return text.into() };
        let other = random.pick(FIELD_NAMES);
        let (key, value) = (fields["private_key"].take(), fields.get(other).cloned().unwrap_or_default());
        fields.insert("private_key".into(), value);
        fields.insert(other.into(), key);
        Value::Object(fields).to_string().into()
    }),
    ("the key as the name of a field", |random, text| {
        let piece = json!(piece(random)).to_string();
        text.replacen('{', &format!("{{{piece}: {piece},"), 1).into()
    }),
    ("the key as the name of a field, twice", |random, text| {
        let piece = json!(piece(random)).to_string();
        text.replacen('{', &format!("{{{piece}: 1, {piece}: 2,"), 1).into()
    }),
    ("the key as something else than text", |random, text| {
        let lines: Vec<&str> = PEM.lines().collect();
        let (pem, bytes) = (PEM.as_str(), PEM.as_bytes());
        let value =
            random.pick(&[json!(lines), json!({pem: pem}), json!(*DER), json!([[pem]]), json!(bytes)]);
        let Ok(Value::Object(mut fields)) = serde_json::from_str(&text) else { return text.into() };
        fields.insert(random.pick(&["private_key", "type", "client_email", "project_id"]).into(), value);
        Value::Object(fields).to_string().into()
    }),
    ("a field doubled", |random, text| {
        let name = random.pick(FIELD_NAMES);
        let piece = json!(piece(random)).to_string();
        text.replacen('{', &format!("{{\"{name}\": {piece},"), 1).into()
    }),
    ("the bare PEM as the file", |_, _| PEM.clone().into()),
    ("the bare DER as the file", |_, _| DER.clone()),
    ("no braces", |_, text| text.trim_matches(['{', '}', '\n']).to_owned().into()),
];

const FIELD_NAMES: &[&str] = &[
    "type",
    "project_id",
    "private_key_id",
    "client_email",
    "client_id",
    "token_uri",
    "auth_uri",
    "universe_domain",
    "quota_project_id",
];

/// The key, or so much of it that nobody could take it for something else.
///
/// The shortest is 40 characters of base64. Hex is always whole: 40 hexadecimal digits in a row are what a
/// key id looks like, so a shorter piece could not be told from one.
fn piece(random: &mut Random) -> String {
    let body = LINES.concat();
    let start = random.below(body.len() - 64);
    match random.below(9) {
        0 => PEM.clone(),
        1 => PEM.replace('\n', "\\n"),
        2 => body,
        3 => BASE64_URL_SAFE_NO_PAD.encode(&*DER),
        4 => hex(&DER),
        5 => BASE64_STANDARD.encode(&*PEM),
        6 => random.pick(&LINES).to_owned(),
        7 => body[start..start + 64].replace('+', "-").replace('/', "_"),
        _ => body[start..start + 40].to_owned(),
    }
}

fn paste(random: &mut Random, text: &str, names: &[&str], value: &str) -> Vec<u8> {
    let Ok(Value::Object(mut fields)) = serde_json::from_str(text) else { return text.into() };
    fields.insert(random.pick(names).to_owned(), value.into());
    Value::Object(fields).to_string().into()
}

fn insert(random: &mut Random, text: &str, choices: &[&str]) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let place = random.below(characters.len() + 1);
    characters.splice(place..place, random.pick(choices).chars());
    characters.into_iter().collect()
}

fn between(body: &str) -> String {
    format!("{BEGIN}\n{body}\n{END}\n")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
