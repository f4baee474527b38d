//! Certificates made on the spot, good and bad, and the settings of a TLS server that shows them.

use crate::util::server::{Channel, Upgrade};
use base64::prelude::{BASE64_STANDARD, Engine};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::{HandshakeKind, ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::typestate::AgentScope;

/// A name that no DNS knows.
pub(crate) const NAME: &str = "token.test.invalid";

/// An authority that signs certificates of servers.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: Vec<u8>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::named("Test Root")
    }

    pub(crate) fn named(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let der = params.self_signed(&key).expect("a certificate").der().to_vec();
        Self { issuer: Issuer::new(params, key), der }
    }

    pub(crate) fn pem(&self) -> String {
        let body = BASE64_STANDARD.encode(&self.der);
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
    }

    /// An agent's settings with this authority and no proxy.
    pub(crate) fn agent(&self) -> ConfigBuilder<AgentScope> {
        let roots = RootCerts::new_with_certs(&[Certificate::from_der(&self.der).to_owned()]);
        Agent::config_builder().proxy(None).tls_config(TlsConfig::builder().root_certs(roots).build())
    }

    /// A server whose certificate is good for 127.0.0.1 and [`NAME`].
    pub(crate) fn server(&self) -> Upgrade {
        self.server_but(|_| {})
    }

    /// The same, and its handshakes.
    pub(crate) fn server_and_handshakes(&self) -> (Upgrade, Handshakes) {
        let (params, key) = sound();
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let handshakes = Handshakes::default();
        (upgrade(certificate.der().to_vec(), &key, Arc::clone(&handshakes)), handshakes)
    }

    /// The same, spoilt.
    pub(crate) fn server_but(&self, spoil: impl FnOnce(&mut CertificateParams)) -> Upgrade {
        let (mut params, key) = sound();
        spoil(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        config(certificate.der().to_vec(), &key)
    }
}

/// A server that signed its certificate itself.
pub(crate) fn self_signed() -> Upgrade {
    let (params, key) = sound();
    config(params.self_signed(&key).expect("a certificate").der().to_vec(), &key)
}

fn sound() -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "server");
    let ip = SanType::IpAddress("127.0.0.1".parse().expect("an address"));
    params.subject_alt_names = vec![ip, SanType::DnsName(NAME.try_into().expect("a name"))];
    (params, KeyPair::generate().expect("a key"))
}

impl Channel for StreamOwned<ServerConnection, TcpStream> {
    fn end(&mut self) -> io::Result<()> {
        self.conn.send_close_notify();
        self.flush()
    }
}

/// TLS with this certificate.
fn config(der: Vec<u8>, key: &KeyPair) -> Upgrade {
    upgrade(der, key, Handshakes::default())
}

/// The handshakes of a server that were completed.
pub(crate) type Handshakes = Arc<Mutex<Vec<HandshakeKind>>>;

fn upgrade(der: Vec<u8>, key: &KeyPair, handshakes: Handshakes) -> Upgrade {
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![der.into()], key);
    let config = Arc::new(config.expect("a certificate and its key"));
    Arc::new(move |mut tcp| {
        let mut connection = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut tcp)?;
        }
        handshakes.lock().expect("the log").extend(connection.handshake_kind());
        Ok(Box::new(StreamOwned::new(connection, tcp)))
    })
}

/// The connection as it is, without TLS.
pub(crate) fn plain() -> Upgrade {
    Arc::new(|tcp| Ok(Box::new(tcp)))
}

pub(crate) fn expired(params: &mut CertificateParams) {
    (params.not_before, params.not_after) = (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1));
}

pub(crate) fn not_yet_valid(params: &mut CertificateParams) {
    (params.not_before, params.not_after) = (date_time_ymd(2190, 1, 1), date_time_ymd(2199, 1, 1));
}

pub(crate) fn of_another_name(params: &mut CertificateParams) {
    params.subject_alt_names = vec![SanType::DnsName("example.com".try_into().expect("a name"))];
}
