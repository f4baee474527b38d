//! The crate's advice in the words of this program, which has options where another program calls the crate.

use shortway::Error;

/// What the crate says, and what it means here.
const WORDS: &[(&str, &str)] = &[
    ("name it with token_endpoint()", "name it with --token-url"),
    (", or load it with ServiceAccountKey::from_json", ""),
    ("read it with ServiceAccountKey::from_reader", "copy it to one"),
    ("give its root certificate to UreqTransport::with_root_certificates", ROOTS),
    ("quotas_snapshot shows which one; ", "--quota shows which one; "),
    (
        "Property::metadata lists the dimensions and metrics that there are, Property::check_compatibility those that fit \
         together",
        "--metadata lists the dimensions and metrics that there are, --check tells whether they fit together",
    ),
    ("see Report::quality for each reason by itself", "leave out --exact to see the figures all the same"),
    ("; a program can give UreqTransport::with_agent an agent that knows SOCKS", ""),
];

const ROOTS: &str = if cfg!(feature = "platform-verifier") {
    "add its root certificate to those that this system trusts"
} else {
    "build getdata with the feature platform-verifier, so that it trusts what this system trusts"
};

/// The error as the crate shows it, its hint in the words of this program.
pub(crate) fn shown(error: &Error) -> String {
    let Some(hint) = error.hint() else { return error.message().to_owned() };
    let hint = WORDS.iter().fold(hint.to_owned(), |hint, (crates, ours)| hint.replace(crates, ours));
    format!("{}; {hint}", error.message())
}
