//! An authority and a certificate of it, made on the spot.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use std::sync::Arc;

/// A certificate for `127.0.0.1` and `localhost`, and the authority that clients have to trust for it.
pub(in crate::testing) struct Certificate {
    config: Arc<ServerConfig>,
    root_pem: String,
}

impl Certificate {
    /// Makes both; `None` when the system has no random bytes.
    pub(in crate::testing) fn new() -> Option<Self> {
        let key = KeyPair::generate().ok()?;
        let params = authority();
        let root_pem = params.self_signed(&key).ok()?.pem();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().ok()?;
        let der = server()?.signed_by(&key, &issuer).ok()?.der().clone();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .ok()?
            .with_no_client_auth()
            .with_single_cert(vec![der], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .ok()?;
        Some(Self { config: Arc::new(config), root_pem })
    }

    /// The authority: a PEM block `CERTIFICATE`.
    pub(in crate::testing) fn root_pem(&self) -> &str {
        &self.root_pem
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.distinguished_name.push(DnType::CommonName, "Fake Google, throw-away authority");
    params
}

fn server() -> Option<CertificateParams> {
    let mut params = CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()]).ok()?;
    params.use_authority_key_identifier_extension = true;
    params.distinguished_name.push(DnType::CommonName, "Fake Google");
    Some(params)
}
