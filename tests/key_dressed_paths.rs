//! Paths as environments give them: each is refused with its cause, in quotes that show its ends.
#![cfg(unix)]

mod util;

#[path = "key_faults/fixture.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared by test programs")]
mod fixture;

use fixture::{assert_taken, assert_told, file, folder};
use shortway::testing::THROW_AWAY_KEY_JSON;
use shortway::{ErrorKind, ServiceAccountKey};

const CARRIAGE_RETURN: &str =
    "the path ends in a carriage return: save the file that sets it with Unix line ends";
const LINE_FEED: &str = "the path ends in a line feed: remove it";
const QUOTE: &str = "the path begins or ends with a quotation mark: remove it";
const BLANK: &str = "the path begins or ends with a blank: remove it";
const UNSEEN: &str = "the path begins or ends with a character that cannot be seen: type the path anew";
const ASSIGNMENT: &str = "the path begins with the name of a variable: give what stands behind the `=`";
const VARIABLE: &str = "give the whole path: variables are not expanded here";
const HOME: &str = "give the whole path: `~` is not expanded here";
const URL: &str = "give a path, not a URL";
const PUNCTUATION: &str = "the path ends in a comma or a semicolon: remove it";
const ESCAPE: &str = "the path has a backslash before a blank, as in a shell: remove the backslash";
const WINDOWS: &str = "the path is one of Windows, with backslashes: give the path on this machine";

/// The path, how it is shown, and the advice.
const DRESSED: &[(&str, &str, &str)] = &[
    ("/no/key.json\r", r#""/no/key.json\r""#, CARRIAGE_RETURN),
    ("/no/key.json\r\n", r#""/no/key.json\r\n""#, CARRIAGE_RETURN),
    ("/no/key.json\n", r#""/no/key.json\n""#, LINE_FEED),
    ("/no/key.json\n\n", r#""/no/key.json\n\n""#, LINE_FEED),
    ("\"/no/key.json\"", r#""\"/no/key.json\"""#, QUOTE),
    ("'/no/key.json'", r#""'/no/key.json'""#, QUOTE),
    ("/no/key.json\"", r#""/no/key.json\"""#, QUOTE),
    ("`/no/key.json`", r#""`/no/key.json`""#, QUOTE),
    ("\u{201c}/no/key.json\u{201d}", "\"\u{201c}/no/key.json\u{201d}\"", QUOTE),
    (" /no/key.json", r#"" /no/key.json""#, BLANK),
    ("/no/key.json ", r#""/no/key.json ""#, BLANK),
    ("/no/key.json\t", r#""/no/key.json\t""#, BLANK),
    ("/no/key.json\u{a0}", r#""/no/key.json\u{a0}""#, BLANK),
    ("\n/no/key.json", r#""\n/no/key.json""#, BLANK),
    ("\u{feff}/no/key.json", r#""\u{feff}/no/key.json""#, UNSEEN),
    ("/no/key.json\u{200b}", r#""/no/key.json\u{200b}""#, UNSEEN),
    (
        "GOOGLE_APPLICATION_CREDENTIALS=/no/key.json",
        r#""GOOGLE_APPLICATION_CREDENTIALS=/no/key.json""#,
        ASSIGNMENT,
    ),
    ("export KEY=/no/key.json", r#""export KEY=/no/key.json""#, ASSIGNMENT),
    ("$HOME/key.json", r#""$HOME/key.json""#, VARIABLE),
    ("${HOME}/key.json", r#""${HOME}/key.json""#, VARIABLE),
    ("/no/${STAGE}/key.json", r#""/no/${STAGE}/key.json""#, VARIABLE),
    ("%APPDATA%/key.json", r#""%APPDATA%/key.json""#, VARIABLE),
    ("~/no/key.json", r#""~/no/key.json""#, HOME),
    ("~jane/key.json", r#""~jane/key.json""#, HOME),
    ("file:///no/key.json", r#""file:///no/key.json""#, URL),
    ("file:/no/key.json", r#""file:/no/key.json""#, URL),
    ("gs://bucket/key.json", r#""gs://bucket/key.json""#, URL),
    ("https://example.com/key.json", r#""https://example.com/key.json""#, URL),
    ("/no/key.json;", r#""/no/key.json;""#, PUNCTUATION),
    ("/no/key.json,", r#""/no/key.json,""#, PUNCTUATION),
    ("/no/my\\ key.json", r#""/no/my\\ key.json""#, ESCAPE),
    ("C:\\keys\\key.json", "C:\\keys\\key.json", WINDOWS),
];

#[test]
fn dressed_path_is_refused_with_its_cause_and_shown_with_its_ends() {
    assert!(DRESSED.len() >= 20);
    for (path, shown, hint) in DRESSED {
        let text = format!("cannot read the key file {shown}: it does not exist; {hint}");
        assert_told(path, ServiceAccountKey::from_file(path), ErrorKind::Config, &text);
    }
}

#[test]
fn odd_path_of_a_file_that_is_there_is_read() {
    let folder = folder();
    for name in ["$key.json", "~key.json", " key.json", "key.json\n", "'key'", "key=1.json", "my\\ key.json"]
    {
        let path = file(&folder, name, THROW_AWAY_KEY_JSON);
        assert_taken(name, ServiceAccountKey::from_file(path));
    }
}

#[test]
fn empty_directory_in_the_place_of_the_file_is_named() {
    let folder = folder();
    let path = folder.path().join("key.json");
    std::fs::create_dir(&path).expect("a directory");
    let text = format!(
        "cannot read the key file {}: it is an empty directory; a container runtime makes one where the \
         file to \
         mount does not exist: create the file, then the container anew",
        path.display()
    );
    assert_told("empty", ServiceAccountKey::from_file(&path), ErrorKind::Config, &text);
    std::fs::write(path.join("key.json"), THROW_AWAY_KEY_JSON).expect("written");
    let text = format!(
        "cannot read the key file {}: it is a directory; give the path of the JSON file in it",
        path.display()
    );
    assert_told("not empty", ServiceAccountKey::from_file(&path), ErrorKind::Config, &text);
}
