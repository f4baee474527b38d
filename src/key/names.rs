//! The closed sets of names that faults are filled with, and their words.
//!
//! In: nothing from outside; a text is only ever compared with the names here.

/// Why the operating system does not read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    NotFound,
    PermissionDenied,
    NotADirectory,
    Directory,
    NotRegular,
    Loop,
    TooLong,
    Nul,
    InputOutput,
}

impl Reason {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::NotFound => "it does not exist",
            Self::PermissionDenied => "permission denied",
            Self::NotADirectory => "a part of the path is not a directory",
            Self::Directory => "it is a directory",
            Self::NotRegular => "it is not a regular file",
            Self::Loop => "its symbolic links form a loop",
            Self::TooLong => "the path or a part of it is too long",
            Self::Nul => "the path contains a NUL character",
            Self::InputOutput => "the system reports an input/output error",
        }
    }

    /// Advice that does not depend on the path.
    pub(super) fn hint(self) -> Option<&'static str> {
        match self {
            Self::PermissionDenied => Some("let the user that runs this program read it"),
            Self::Directory => Some("give the path of the JSON file in it"),
            Self::NotRegular => Some("give the path of a JSON file"),
            _ => None,
        }
    }
}

/// How a path looks: the likely reason why no file is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    CarriageReturn,
    LineFeed,
    Quote,
    Blank,
    Home,
    Url,
    Relative,
    Absolute,
}

impl Look {
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::CarriageReturn => {
                "the path ends in a carriage return: save the file that sets it with Unix line ends"
            }
            Self::LineFeed => "the path ends in a line feed: remove it",
            Self::Quote => "the path begins or ends with a quotation mark: remove it",
            Self::Blank => "the path begins or ends with a blank: remove it",
            Self::Home => "give the whole path: `~` is not expanded here",
            Self::Url => "give a path, not a URL",
            Self::Relative => "check the path; it is relative to the directory that the program runs in",
            Self::Absolute => "check the path",
        }
    }
}

/// The fields of a key file that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Type,
    ClientEmail,
    PrivateKey,
    PrivateKeyId,
    ProjectId,
    TokenUri,
    UniverseDomain,
    Audience,
}

impl Field {
    pub(super) const ALL: [Self; 8] = [
        Self::Type,
        Self::ClientEmail,
        Self::PrivateKey,
        Self::PrivateKeyId,
        Self::ProjectId,
        Self::TokenUri,
        Self::UniverseDomain,
        Self::Audience,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::ClientEmail => "client_email",
            Self::PrivateKey => "private_key",
            Self::PrivateKeyId => "private_key_id",
            Self::ProjectId => "project_id",
            Self::TokenUri => "token_uri",
            Self::UniverseDomain => "universe_domain",
            Self::Audience => "audience",
        }
    }
}

/// What a JSON value is, other than a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JsonType {
    Boolean,
    Number,
    Array,
    Object,
}

impl JsonType {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// The types of credentials files that Google's tools write (AIP-4110), other than `service_account`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileType {
    AuthorizedUser,
    ExternalAccount,
    ExternalAccountAuthorizedUser,
    ImpersonatedServiceAccount,
    GdchServiceAccount,
    Unknown,
}

impl FileType {
    pub(super) fn of(name: &str) -> Self {
        match name {
            "authorized_user" => Self::AuthorizedUser,
            "external_account" => Self::ExternalAccount,
            "external_account_authorized_user" => Self::ExternalAccountAuthorizedUser,
            "impersonated_service_account" => Self::ImpersonatedServiceAccount,
            "gdch_service_account" => Self::GdchServiceAccount,
            _ => Self::Unknown,
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::AuthorizedUser => "type `authorized_user`",
            Self::ExternalAccount => "type `external_account`",
            Self::ExternalAccountAuthorizedUser => "type `external_account_authorized_user`",
            Self::ImpersonatedServiceAccount => "type `impersonated_service_account`",
            Self::GdchServiceAccount => "type `gdch_service_account`",
            Self::Unknown => "an unknown type",
        }
    }
}

/// What is in the place of an RSA private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    PublicKey,
    Certificate,
    EllipticCurve,
    Ed25519,
    RsaPss,
    Ssh,
    Pkcs12,
    OtherAlgorithm,
    Unknown,
}

impl Content {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::PublicKey => "a public key",
            Self::Certificate => "a certificate",
            Self::EllipticCurve => "an elliptic-curve key",
            Self::Ed25519 => "an Ed25519 key",
            Self::RsaPss => "an RSA-PSS key",
            Self::Ssh => "an SSH key",
            Self::Pkcs12 => "a PKCS#12 (.p12) file",
            Self::OtherAlgorithm => "a key of another algorithm",
            Self::Unknown => "something else",
        }
    }
}
