//! URLs of servers.

use crate::error::ConnectError;
use http::Uri;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use std::borrow::Cow;
use std::net::Ipv6Addr;
#[cfg(unix)]
use std::path::PathBuf;

/// The ASCII characters that the path and the query of a URL may not contain (RFC 3986). What is percent-encoded already
/// stays.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A parsed URL of a WebSocket server.
#[derive(Clone, Debug)]
pub(super) struct ServerUrl {
    pub(super) scheme: Scheme,
    pub(super) endpoint: Endpoint,
    /// The path and the query.
    pub(super) target: Uri,
    /// The host and the port, or the path of the Unix socket, for messages.
    pub(super) address: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scheme {
    Ws,
    #[cfg(feature = "rustls")]
    Wss,
}

/// The place where a server listens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Endpoint {
    Network {
        /// A name, or an IP address without brackets. That of IPv6 may have a zone.
        host: String,
        port: u16,
    },
    #[cfg(unix)]
    Unix(PathBuf),
}

impl Scheme {
    fn default_port(self) -> u16 {
        match self {
            Self::Ws => 80,
            #[cfg(feature = "rustls")]
            Self::Wss => 443,
        }
    }

    pub(super) fn is_encrypted(self) -> bool {
        self.name() == "wss"
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ws => "ws",
            #[cfg(feature = "rustls")]
            Self::Wss => "wss",
        }
    }
}

impl Endpoint {
    pub(super) fn is_unix(&self) -> bool {
        !matches!(self, Self::Network { .. })
    }
}

impl ServerUrl {
    pub(super) fn parse(url: &str) -> Result<Self, ConnectError> {
        Self::parse_parts(url).map_err(|reason| ConnectError::Url { url: without_user_info(url), reason })
    }

    /// Parses a URL. Returns the reason if it is invalid.
    pub(super) fn parse_parts(url: &str) -> Result<Self, &'static str> {
        if url.contains(char::is_control) {
            return Err("it contains a line break or another control character");
        }
        let (scheme, rest) = url.split_once(':').unwrap_or_default();
        match scheme.to_ascii_lowercase().as_str() {
            "ws" => Self::parse_network(Scheme::Ws, rest),
            #[cfg(feature = "rustls")]
            "wss" => Self::parse_network(Scheme::Wss, rest),
            #[cfg(not(feature = "rustls"))]
            "wss" => Err("wss:// needs the feature `rustls` of the crate wswrapper"),
            #[cfg(unix)]
            "ws+unix" => Self::parse_unix(rest),
            #[cfg(not(unix))]
            "ws+unix" => Err("this system has no Unix sockets"),
            "http" => Err("it begins with http; write ws:// instead"),
            "https" => Err("it begins with https; write wss:// instead"),
            _ => Err("it must begin with ws:// or wss://"),
        }
    }

    /// Parses the rest of a URL after `ws:`.
    fn parse_network(scheme: Scheme, rest: &str) -> Result<Self, &'static str> {
        let rest = rest.strip_prefix("//").ok_or("two slashes are missing after its scheme, as in ws://localhost")?;
        let (authority, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err("it names a user; write `.header(\"Authorization\", ..)` on the client's builder instead");
        }
        let (host, port) = split_port(authority)?;
        let port = match port {
            "" => scheme.default_port(),
            port if port.starts_with('+') => return Err("its port is not a number up to 65535"),
            port => port.parse().map_err(|_| "its port is not a number up to 65535")?,
        };
        let host = host.into_owned();
        let address = format!("{}:{port}", bracketed(&host));
        Ok(Self { scheme, endpoint: Endpoint::Network { host, port }, target: parse_target(target)?, address })
    }

    /// Parses the rest of a URL after `ws+unix:`, as in `ws+unix:///run/desk.sock:/path?query`.
    #[cfg(unix)]
    fn parse_unix(rest: &str) -> Result<Self, &'static str> {
        let rest = match rest.strip_prefix("//") {
            Some(path) if !path.starts_with('/') => {
                return Err("the path of its socket must be absolute, as in ws+unix:///run/desk.sock");
            }
            path => path.unwrap_or(rest),
        };
        let (path, target) = rest.split_once(':').unwrap_or((rest, ""));
        if path.is_empty() {
            return Err("it has no path of a socket, as in ws+unix:///run/desk.sock");
        }
        if !target.is_empty() && !target.starts_with(['/', '?', '#']) {
            return Err("the path of its request must begin with a slash, as in ws+unix:///run/desk.sock:/path");
        }
        let target = parse_target(target)?;
        Ok(Self { scheme: Scheme::Ws, endpoint: Endpoint::Unix(path.into()), target, address: path.to_owned() })
    }

    /// Returns the URL of another path and query on the same server.
    pub(super) fn with_target(&self, target: &str) -> Result<Self, &'static str> {
        Ok(Self { target: parse_target(target)?, ..self.clone() })
    }

    /// Returns the host and the port without a zone, which only this machine knows. `None` for a Unix socket.
    #[cfg(feature = "proxy")]
    pub(super) fn authority(&self) -> Option<String> {
        match &self.endpoint {
            Endpoint::Network { host, port } => Some(format!("{}:{port}", bracketed(without_zone(host)))),
            #[cfg(unix)]
            Endpoint::Unix(_) => None,
        }
    }

    /// Returns the host for which the certificate must be valid.
    #[cfg(feature = "rustls")]
    pub(super) fn host(&self) -> &str {
        match &self.endpoint {
            Endpoint::Network { host, .. } => without_zone(host),
            #[cfg(unix)]
            Endpoint::Unix(_) => "localhost",
        }
    }

    /// Returns the value of the header `Host`: without the default port and without a zone, which only this machine
    /// knows.
    pub(super) fn host_header(&self) -> String {
        match &self.endpoint {
            Endpoint::Network { host, port } => {
                let host = bracketed(without_zone(host));
                if *port == self.scheme.default_port() { host.into_owned() } else { format!("{host}:{port}") }
            }
            #[cfg(unix)]
            Endpoint::Unix(_) => "localhost".to_owned(),
        }
    }
}

/// Returns the host and the port of `host:port`. The host has no brackets; the port may be empty.
fn split_port(authority: &str) -> Result<(Cow<'_, str>, &str), &'static str> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or("the bracket of its IPv6 address is not closed")?;
        let port = match rest.strip_prefix(':') {
            Some(port) => port,
            None if rest.is_empty() => "",
            None => return Err("a colon and a port are expected after its IPv6 address"),
        };
        return Ok((ipv6_host(host)?.into(), port));
    }
    if authority.matches(':').count() > 1 && without_zone(authority).parse::<Ipv6Addr>().is_ok() {
        return Err("its IPv6 address needs brackets, as in ws://[::1]:8080");
    }
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    Ok((name_host(host)?, port))
}

/// Returns the address in brackets, with its zone in the system's form: `%25eth0` in a URL (RFC 6874) becomes `%eth0`.
fn ipv6_host(host: &str) -> Result<String, &'static str> {
    let (address, zone) = match host.split_once('%') {
        Some((address, zone)) => (address, Some(zone.strip_prefix("25").unwrap_or(zone))),
        None => (host, None),
    };
    let address: Ipv6Addr = address.parse().map_err(|_| "an IPv6 address is expected in its brackets")?;
    match zone {
        None => Ok(address.to_string()),
        Some(zone)
            if !zone.is_empty() && zone.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)) =>
        {
            Ok(format!("{address}%{zone}"))
        }
        Some(_) => Err("the zone of its IPv6 address is not a name, as in ws://[fe80::1%25eth0]"),
    }
}

/// Checks a name or an IPv4 address.
fn name_host(host: &str) -> Result<Cow<'_, str>, &'static str> {
    if host.is_empty() {
        return Err("it has no host");
    }
    let host = if host.is_ascii() { Cow::Borrowed(host) } else { Cow::Owned(to_ascii(host)?) };
    if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
        return Err("its host contains a character that no name has");
    }
    // Browsers send it in lower case too.
    Ok(if host.bytes().any(|byte| byte.is_ascii_uppercase()) { host.to_ascii_lowercase().into() } else { host })
}

#[cfg(feature = "idna")]
fn to_ascii(host: &str) -> Result<String, &'static str> {
    idna::domain_to_ascii_strict(host).map_err(|_| "its host is not a valid international name")
}

#[cfg(not(feature = "idna"))]
fn to_ascii(_: &str) -> Result<String, &'static str> {
    Err(
        "its host has letters beyond ASCII; write them in punycode, as in xn--bcher-kva.example, or enable the feature \
         `idna` of the crate wswrapper",
    )
}

/// Returns the target of a request: a path, which is `/` if it is empty, and a query.
fn parse_target(target: &str) -> Result<Uri, &'static str> {
    if target.contains('#') {
        return Err(
            "it has a fragment, which no server receives; write %23 if the `#` belongs to the path or the query",
        );
    }
    let slash = if target.starts_with('/') { "" } else { "/" };
    // All characters are valid then.
    format!("{slash}{}", utf8_percent_encode(target, ENCODED)).parse().map_err(|_| "it is too long")
}

/// Returns a host with the brackets that IPv6 needs in URLs.
fn bracketed(host: &str) -> Cow<'_, str> {
    if host.contains(':') { format!("[{host}]").into() } else { host.into() }
}

/// Returns a host without the zone of an IPv6 address.
pub(super) fn without_zone(host: &str) -> &str {
    host.split('%').next().unwrap_or(host)
}

/// Returns the URL without user and password, even if it cannot be parsed, for error messages.
pub(super) fn without_user_info(url: &str) -> String {
    let start = url.find("://").map_or(0, |scheme| scheme + "://".len());
    match url[start..].rfind('@') {
        Some(at) => format!("{}***{}", &url[..start], &url[start + at..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::ServerUrl;

    fn reason(url: &str) -> &'static str {
        ServerUrl::parse_parts(url).expect_err(url)
    }

    /// Returns the address, the header `Host` and the target of a request.
    fn parts(url: &str) -> (String, String, String) {
        let url = ServerUrl::parse_parts(url).expect(url);
        (url.address.clone(), url.host_header(), url.target.to_string())
    }

    #[test]
    fn a_url_gives_an_address_a_host_and_a_target() {
        for (url, address, host, target) in [
            ("ws://localhost", "localhost:80", "localhost", "/"),
            ("WS://LocalHost:", "localhost:80", "localhost", "/"),
            ("ws://localhost:80/", "localhost:80", "localhost", "/"),
            ("ws://localhost:8080?a", "localhost:8080", "localhost:8080", "/?a"),
            ("ws://under_score.example.:1/a//b/../c", "under_score.example.:1", "under_score.example.:1", "/a//b/../c"),
            ("ws://127.0.0.1:1", "127.0.0.1:1", "127.0.0.1:1", "/"),
            ("ws://[::1]", "[::1]:80", "[::1]", "/"),
            ("ws://[2001:DB8:0::1]:1/", "[2001:db8::1]:1", "[2001:db8::1]:1", "/"),
            ("ws://[fe80::1%25eth0]:1/", "[fe80::1%eth0]:1", "[fe80::1]:1", "/"),
            ("ws://[fe80::1%eth0]", "[fe80::1%eth0]:80", "[fe80::1]", "/"),
        ] {
            assert_eq!(parts(url), (address.to_owned(), host.to_owned(), target.to_owned()), "{url}");
        }
    }

    #[test]
    fn a_target_is_percent_encoded_once() {
        for (url, target) in [
            ("ws://h/café/ж?q=ü&r=日本", "/caf%C3%A9/%D0%B6?q=%C3%BC&r=%E6%97%A5%E6%9C%AC"),
            ("ws://h/a b?c d", "/a%20b?c%20d"),
            ("ws://h/a%20b%23?%C3%A9", "/a%20b%23?%C3%A9"),
            ("ws://h/\"<>\\^`{|}[]", "/%22%3C%3E%5C%5E%60%7B%7C%7D%5B%5D"),
            ("ws://h/-._~!$&'()*+,;=:@?/?a=b", "/-._~!$&'()*+,;=:@?/?a=b"),
        ] {
            assert_eq!(parts(url).2, target, "{url}");
        }
        assert_eq!(reason(&format!("ws://h/{}", "x".repeat(70_000))), "it is too long");
    }

    #[cfg(unix)]
    #[test]
    fn a_unix_socket_has_a_path_and_perhaps_a_target() {
        for (url, address, target) in [
            ("ws+unix:///run/desk.sock", "/run/desk.sock", "/"),
            ("ws+unix:/run/desk.sock:/chat?room=1", "/run/desk.sock", "/chat?room=1"),
            ("WS+UNIX:///run/my desk/é.sock:/a b", "/run/my desk/é.sock", "/a%20b"),
            ("ws+unix:desk.sock:", "desk.sock", "/"),
            ("ws+unix:./desk.sock:?q", "./desk.sock", "/?q"),
        ] {
            assert_eq!(parts(url), (address.to_owned(), "localhost".to_owned(), target.to_owned()), "{url}");
        }
        let no_path = "it has no path of a socket, as in ws+unix:///run/desk.sock";
        for (url, expected) in [
            ("ws+unix:", no_path),
            ("ws+unix::/chat", no_path),
            ("ws+unix://run/desk.sock", "the path of its socket must be absolute, as in ws+unix:///run/desk.sock"),
            (
                "ws+unix:///run/desk.sock:chat",
                "the path of its request must begin with a slash, as in ws+unix:///run/desk.sock:/path",
            ),
        ] {
            assert_eq!(reason(url), expected, "{url}");
        }
    }

    #[cfg(feature = "idna")]
    #[test]
    fn a_host_beyond_ascii_is_sent_in_punycode() {
        assert_eq!(parts("ws://Bücher.example:1").0, "xn--bcher-kva.example:1");
        assert_eq!(
            parts("ws://日本語。jp/é"),
            ("xn--wgv71a119e.jp:80".to_owned(), "xn--wgv71a119e.jp".to_owned(), "/%C3%A9".to_owned())
        );
        for url in ["ws://ü_.example", "ws://\u{200d}.example", "ws://ü..example"] {
            assert_eq!(reason(url), "its host is not a valid international name", "{url}");
        }
    }

    #[cfg(not(feature = "idna"))]
    #[test]
    fn a_host_beyond_ascii_needs_the_feature() {
        assert_eq!(
            reason("ws://Bücher.example"),
            "its host has letters beyond ASCII; write them in punycode, as in xn--bcher-kva.example, or enable the \
             feature `idna` of the crate wswrapper"
        );
    }

    /// A unit test, because the integration tests are built with the feature `rustls`.
    #[cfg(not(feature = "rustls"))]
    #[test]
    fn wss_without_the_feature_names_the_feature() {
        assert_eq!(reason("wss://localhost"), "wss:// needs the feature `rustls` of the crate wswrapper");
    }
}
