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
