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
    EmptyDirectory,
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
            Self::EmptyDirectory => "it is an empty directory",
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
            Self::EmptyDirectory => Some(
                "a container runtime makes one where the file to mount does not exist: create the file, \
                 then the container anew",
            ),
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
    Unseen,
    Assignment,
    Variable,
    Home,
    Url,
    Punctuation,
    Escape,
    Windows,
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
            Self::Unseen => {
                "the path begins or ends with a character that cannot be seen: type the path anew"
            }
            Self::Assignment => {
                "the path begins with the name of a variable: give what stands behind the `=`"
            }
            Self::Variable => "give the whole path: variables are not expanded here",
            Self::Punctuation => "the path ends in a comma or a semicolon: remove it",
            Self::Escape => "the path has a backslash before a blank, as in a shell: remove the backslash",
            Self::Windows => "the path is one of Windows, with backslashes: give the path on this machine",
            Self::Home => "give the whole path: `~` is not expanded here",
            Self::Url => "give a path, not a URL",
            Self::Relative => "check the path; it is relative to the directory that the program runs in",
            Self::Absolute => "check the path",
        }
    }
}

/// The document around a key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    IamAnswer,
    Vault,
    Kubernetes,
    Terraform,
    Nested,
    List,
    Several,
    Yaml,
    Toml,
    EnvLine,
    Literal,
}

impl Layer {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::IamAnswer => "is an answer of the IAM API, with the key file in its `privateKeyData`",
            Self::Vault => "is an answer of Vault, with the key file in its `private_key_data`",
            Self::Kubernetes => "is a Secret of Kubernetes, with the key file in its `data`",
            Self::Terraform => "is an attribute or an output of Terraform, with the key file in it",
            Self::Nested => "is a JSON object with the key file inside it",
            Self::List => "is a JSON array with the key file inside it",
            Self::Several => "is a text with more than one key file in it",
            Self::Yaml => "is YAML, not JSON",
            Self::Toml => "is TOML, not JSON",
            Self::EnvLine => "is an assignment: the name of a variable, and the key file as its value",
            Self::Literal => "is an object of Python or JavaScript, not JSON",
        }
    }

    /// How to take the key file out of it.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::IamAnswer => "decode that field: jq -r .privateKeyData answer.json | base64 -d > key.json",
            Self::Vault => {
                "decode that field: jq -r '.. | .private_key_data? // empty' answer.json | base64 -d > \
                 key.json"
            }
            Self::Kubernetes => {
                "mount the Secret as a file, or decode the entry: kubectl get secret NAME -o json | \
                 jq -r '.data[\"key.json\"]' | base64 -d > key.json"
            }
            Self::Terraform => "decode it: terraform output -raw NAME | base64 -d > key.json",
            Self::Nested | Self::List => {
                "give the inner object, the one with \"type\": \"service_account\", as a file of its own"
            }
            Self::Several => "give one of them, as a file of its own",
            Self::Yaml => "convert it, or give the JSON key file as it was downloaded",
            Self::Toml => "give the JSON key file as it was downloaded",
            Self::EnvLine => "give the value alone, without the name and the sign before it",
            Self::Literal => "write it with json.dumps or JSON.stringify",
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
