//! Property ids.

use shortway::ErrorKind;
use shortway::analytics::{Analytics, PropertyId};
use shortway::testing::ScriptedSource;

#[test]
fn property_id_is_a_number_or_its_resource_name() {
    for text in ["1234", " 1234\n", "properties/1234"] {
        assert_eq!(text.parse::<PropertyId>().expect(text), PropertyId::from(1234));
        assert_eq!(PropertyId::try_from(text).expect(text), PropertyId::from(1234));
    }
    let analytics = Analytics::new(ScriptedSource::new());
    assert_eq!(analytics.property(1234).id(), "1234".parse().expect("an id"));
    assert_eq!(
        "properties/0".parse::<PropertyId>().expect_err("no property").to_string(),
        "\"properties/0\" is not a property id; the property id is a number: in Google Analytics open Admin, Property \
         settings, Property details; it stands at the top right"
    );
    for text in [
        "",
        "0",
        "000",
        "properties/",
        "-1",
        "+1",
        "12 34",
        "99999999999999999999",
        "G-1",
        "GTM-1",
        "ga:1234",
    ] {
        assert_eq!(text.parse::<PropertyId>().expect_err(text).kind(), ErrorKind::Config);
    }
}

#[test]
fn property_id_goes_through_serde_and_numbers() {
    for json in ["1234", r#""1234""#, r#""properties/1234""#] {
        assert_eq!(serde_json::from_str::<PropertyId>(json).expect(json), PropertyId::from(1234));
    }
    for json in ["0", "-7", "1.5", "null", r#""G-1""#, "[1234]"] {
        serde_json::from_str::<PropertyId>(json).expect_err(json);
    }
    assert_eq!(serde_json::to_string(&PropertyId::from(1234)).expect("a number"), "1234");
    assert_eq!(u64::from(PropertyId::from(1234)), 1234);
    assert_eq!(PropertyId::try_from("1234".to_owned()).expect("an id"), PropertyId::from(1234));
}

#[test]
fn text_that_is_no_property_id_is_quoted_on_one_line() {
    let error = format!("x\u{1b}\u{202e} {}", "long ".repeat(50)).parse::<PropertyId>().expect_err("no id");
    assert!(!error.message().contains(['\u{1b}', '\u{202e}']) && error.message().len() < 100, "{error}");
}
