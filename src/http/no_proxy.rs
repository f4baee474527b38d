//! The hosts that are reached without a proxy: `NO_PROXY`, read as curl reads it.
//!
//! Entries stand between commas or blanks. `*` covers every host. A name covers itself and all names below
//! it, with a dot (or `*.`) before it as well as without; upper and lower case are the same, and so is a dot
//! at the end. An IP address covers itself, `10.0.0.0/8` and `fd00::/8` a block; IPv6 stands with brackets or
//! without. A name or an address may end in `:port`, which curl does not know, and covers that port alone
//! then.

use std::net::IpAddr;

/// What is covered.
#[derive(Debug, Default)]
pub(super) struct NoProxy(Vec<Entry>);

#[derive(Debug, PartialEq)]
struct Entry {
    hosts: Hosts,
    /// `None`: any.
    port: Option<u16>,
}

#[derive(Debug, PartialEq)]
enum Hosts {
    All,
    /// This name and all below it, in lower case without dots at its ends.
    Domain(String),
    /// The addresses whose first `bits` are those of this one.
    Block(IpAddr, u32),
}

impl NoProxy {
    /// The entries of a list, and the places, counted from 1, of those that are not understood.
    pub(super) fn parse(list: &str) -> (Self, Vec<usize>) {
        let (mut entries, mut skipped) = (Vec::new(), Vec::new());
        let texts = list.split([',', ' ', '\t', '\r', '\n']).filter(|text| !text.is_empty());
        for (index, text) in texts.enumerate() {
            match entry(text) {
                Some(entry) => entries.push(entry),
                None => skipped.push(index + 1),
            }
        }
        (Self(entries), skipped)
    }

    /// How many entries are understood.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether `host` (IPv6 in brackets) is reached directly.
    pub(super) fn covers(&self, host: &str, port: u16) -> bool {
        self.0.iter().any(|entry| entry.port.is_none_or(|only| only == port) && entry.hosts.cover(host))
    }
}

impl Hosts {
    fn cover(&self, host: &str) -> bool {
        let ip = unbracketed(host).parse::<IpAddr>().ok();
        match self {
            Self::All => true,
            Self::Block(network, bits) => ip.is_some_and(|ip| is_in(ip, *network, *bits)),
            Self::Domain(domain) => {
                let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
                // The dot keeps `notexample.com` out of `example.com`.
                let below = host.strip_suffix(domain.as_str()).is_some_and(|above| above.ends_with('.'));
                ip.is_none() && (host == *domain || below)
            }
        }
    }
}

fn entry(text: &str) -> Option<Entry> {
    if text == "*" {
        return Some(Entry { hosts: Hosts::All, port: None });
    }
    if let Some(hosts) = hosts(text) {
        return Some(Entry { hosts, port: None });
    }
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|_| port.bytes().all(|b| b.is_ascii_digit()))?;
    // Without brackets the end of an IPv6 address would pass for a port.
    let hosts = hosts(host).filter(|_| !host.contains(':') || host.starts_with('['))?;
    Some(Entry { hosts, port: Some(port) })
}

fn hosts(text: &str) -> Option<Hosts> {
    if let Some((address, bits)) = text.split_once('/') {
        let address: IpAddr = unbracketed(address).parse().ok()?;
        let bits = bits.parse().ok().filter(|bits| *bits <= width(address))?;
        return Some(Hosts::Block(address, bits));
    }
    if let Ok(address) = unbracketed(text).parse::<IpAddr>() {
        return Some(Hosts::Block(address, width(address)));
    }
    let domain = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')).unwrap_or(text);
    let domain = domain.strip_suffix('.').unwrap_or(domain).to_ascii_lowercase();
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    domain.split('.').all(is_label).then_some(Hosts::Domain(domain))
}

fn unbracketed(text: &str) -> &str {
    text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text)
}

/// How many bits an address of this family has.
fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Whether the first `bits` of both addresses are the same. An IPv4 address in IPv6 is that IPv4 address.
fn is_in(ip: IpAddr, network: IpAddr, bits: u32) -> bool {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    let ip = if network.is_ipv4() { ip.to_canonical() } else { ip };
    ip.is_ipv4() == network.is_ipv4()
        && (number(ip) ^ number(network)).checked_shr(width(network) - bits).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_cover_what_curl_takes_them_for() {
        for (list, host, is_covered) in [
            ("example.com", "example.com", true),
            ("example.com", "a.b.example.com", true),
            ("example.com", "notexample.com", false),
            ("example.com", "example.com.evil.example", false),
            ("example.com", "com", false),
            (".example.com", "example.com", true),
            (".example.com", "a.example.com", true),
            ("*.example.com", "a.example.com", true),
            ("EXAMPLE.com.", "a.Example.COM", true),
            ("example.com", "example.com.", true),
            ("*", "oauth2.googleapis.com", true),
            ("a.example,googleapis.com", "oauth2.googleapis.com", true),
            ("a.example googleapis.com", "oauth2.googleapis.com", true),
            (" a.example ,\tgoogleapis.com ,", "oauth2.googleapis.com", true),
            ("", "oauth2.googleapis.com", false),
            ("localhost", "localhost", true),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("2.3", "10.1.2.3", false),
            ("10.0.0.0/8", "10.255.1.2", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "10.example.com", false),
            ("192.168.4.0/22", "192.168.7.255", true),
            ("192.168.4.0/22", "192.168.8.0", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "[2001:db8::1]", false),
            ("::1", "[::1]", true),
            ("[::1]", "[0:0:0:0:0:0:0:1]", true),
            ("fd00::/8", "[fd12:3456::1]", true),
            ("fd00::/8", "[fe80::1]", false),
            ("::/0", "[2001:db8::1]", true),
            ("10.0.0.0/8", "[::ffff:10.0.0.1]", true),
            ("example.com:443", "a.example.com", true),
            ("example.com:8443", "example.com", false),
            ("10.0.0.1:443", "10.0.0.1", true),
            ("[::1]:443", "[::1]", true),
            ("[::1]:80", "[::1]", false),
        ] {
            let (no_proxy, skipped) = NoProxy::parse(list);
            assert_eq!(skipped, [0; 0], "{list}");
            assert_eq!(no_proxy.covers(host, 443), is_covered, "{list:?} and {host}");
        }
    }

    #[test]
    fn entries_that_are_not_understood_are_counted_and_cost_no_other() {
        let list = "10.0.0.0/33, http://a.example, exa*mple.com, [::1, example.com:, a..b, ::/129, \
            \u{e9}.example, \
                    user:secret@a.example, 10.0.0.0/x, example.com:99999, good.example";
        let (no_proxy, skipped) = NoProxy::parse(list);
        assert_eq!(skipped, (1..=11).collect::<Vec<_>>());
        assert!(no_proxy.covers("good.example", 443));
        assert_eq!(no_proxy.len(), 1);
    }
}
