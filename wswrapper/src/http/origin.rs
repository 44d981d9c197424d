//! The check of the page from which a request comes.

use crate::error::MountError;
use http::header;
use http::request::Parts;
use http::uri::Authority;

/// The origins and hosts whose requests may open a connection.
///
/// A browser sends its cookies along with the request of any page. Without a check, each page that a user visits could
/// act in the user's name. Programs that are no browsers send no origin.
#[derive(Default, Debug)]
pub(crate) struct OriginPolicy {
    any: bool,
    /// Origins beside the request's own.
    patterns: Vec<Pattern>,
    /// The hosts that are answered at all; empty for every host.
    hosts: Vec<Host>,
}

/// An allowed origin, such as `https://*.example.com`.
#[derive(Debug)]
struct Pattern {
    scheme: String,
    host: String,
    /// True if the host stands for its subdomains.
    subdomains: bool,
    port: Option<u16>,
}

/// A host that is answered, on one port or on every port.
#[derive(Debug)]
struct Host {
    name: String,
    port: Option<u16>,
}

impl OriginPolicy {
    pub(crate) fn allow_any(&mut self) {
        self.any = true;
    }

    pub(crate) fn allow(&mut self, pattern: &str) -> Result<(), MountError> {
        let invalid = || MountError::Origin(pattern.to_owned());
        let (scheme, rest) = pattern.split_once("://").ok_or_else(invalid)?;
        let (subdomains, rest) = rest.strip_prefix("*.").map_or((false, rest), |rest| (true, rest));
        let (name, port) = host_and_port(rest).ok_or_else(invalid)?;
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if name.contains('*')
            || !scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            || !scheme.bytes().all(is_scheme)
        {
            return Err(invalid());
        }
        let scheme = scheme.to_ascii_lowercase();
        self.patterns.push(Pattern { port: port.or(default_port(&scheme)), scheme, host: name, subdomains });
        Ok(())
    }

    pub(crate) fn answer_host(&mut self, host: &str) -> Result<(), MountError> {
        let (name, port) = host_and_port(host).ok_or_else(|| MountError::Host(host.to_owned()))?;
        self.hosts.push(Host { name, port });
        Ok(())
    }

    /// Returns true if requests for this host are answered.
    pub(crate) fn answers(&self, request: &Parts) -> bool {
        let Some((name, port)) = request_host(request) else { return self.hosts.is_empty() };
        let is_listed = |host: &Host| host.name == name && (host.port.is_none() || host.port == port);
        self.hosts.is_empty() || self.hosts.iter().any(is_listed)
    }

    /// Returns true if the page from which the request comes may open a connection.
    pub(crate) fn allows(&self, request: &Parts) -> bool {
        let mut origins = request.headers.get_all(header::ORIGIN).iter();
        let origin = match (origins.next(), origins.next()) {
            (None, _) => return true,
            _ if self.any => return true,
            (Some(origin), None) => origin,
            (Some(_), Some(_)) => return false,
        };
        // `null` is the origin of a sandboxed page, which may belong to anyone.
        let parsed = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        let Some((scheme, (host, port))) = parsed.and_then(|(scheme, rest)| Some((scheme, host_and_port(rest)?)))
        else {
            return false;
        };
        let scheme = scheme.to_ascii_lowercase();
        // The scheme of the request is not known, because TLS often ends at a proxy. Other schemes belong to apps and to
        // extensions of a browser, which are nobody's own.
        let default = default_port(&scheme);
        let port = port.or(default);
        let is_own = default.is_some()
            && request_host(request).is_some_and(|(name, own_port)| name == host && own_port.or(default) == port);
        is_own || self.patterns.iter().any(|pattern| pattern.matches(&scheme, &host, port))
    }
}

impl Pattern {
    fn matches(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let is_host = if self.subdomains {
            host.strip_suffix(&*self.host).and_then(|labels| labels.strip_suffix('.')).is_some_and(has_no_empty_label)
        } else {
            host == self.host
        };
        is_host && self.scheme == scheme && self.port == port
    }
}

fn has_no_empty_label(labels: &str) -> bool {
    labels.split('.').all(|label| !label.is_empty())
}

/// Returns the host of a request in lower case, and its port: of its target if that is a whole URL (RFC 9112, 3.2.2),
/// or else of its only `Host`. `None` if it names no host or several.
pub(super) fn request_host(request: &Parts) -> Option<(String, Option<u16>)> {
    let mut hosts = request.headers.get_all(header::HOST).iter();
    match (request.uri.authority(), hosts.next(), hosts.next()) {
        (Some(authority), ..) => host_and_port(authority.as_str()),
        (None, Some(host), None) => host_and_port(host.to_str().ok()?),
        _ => None,
    }
}

/// Returns a host in lower case, and the port behind it.
fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let authority: Authority = text.parse().ok()?;
    let host = authority.host();
    // Nothing but a port may follow. User information stands before the host.
    let port = match text.strip_prefix(host)? {
        "" => None,
        port => Some(parse_port(port.strip_prefix(':')?)?),
    };
    (!host.is_empty()).then(|| (host.to_ascii_lowercase(), port))
}

/// Returns the number of a port, which is of digits alone.
fn parse_port(port: &str) -> Option<u16> {
    port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok()).flatten()
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_of_digits() {
        assert_eq!(host_and_port("x:8080"), Some(("x".to_owned(), Some(8080))));
        assert_eq!((host_and_port("x:+8080"), host_and_port("x:65536")), (None, None));
    }

    fn request(target: &str, host: &str, origins: &[&str]) -> Parts {
        let request = http::Request::get(target).header(header::HOST, host);
        let request = origins.iter().fold(request, |request, origin| request.header(header::ORIGIN, *origin));
        request.body(()).expect("a valid request").into_parts().0
    }

    fn headers(host: &str, origins: &[&str]) -> Parts {
        request("/", host, origins)
    }

    fn allows(policy: &OriginPolicy, host: &str, origin: &str) -> bool {
        policy.allows(&headers(host, &[origin]))
    }

    #[test]
    fn a_request_comes_from_its_own_host_or_from_no_page() {
        let policy = OriginPolicy::default();
        assert!(policy.allows(&headers("example.com", &[])));
        for (host, origin) in [
            ("example.com", "https://example.com"),
            ("example.com", "http://example.com"),
            ("Example.COM", "https://example.com"),
            ("example.com:443", "https://example.com"),
            ("example.com", "https://example.com:443"),
            ("localhost:8080", "http://localhost:8080"),
            ("[::1]:8080", "http://[::1]:8080"),
            ("[::1]", "http://[::1]"),
        ] {
            assert!(allows(&policy, host, origin), "{host} {origin}");
        }
        for (host, origin) in [
            ("example.com", "https://example.org"),
            ("example.com", "https://www.example.com"),
            ("example.com", "https://example.com.evil.org"),
            ("example.com", "https://evil.org/example.com"),
            ("example.com", "https://example.com@evil.org"),
            ("example.com", "https://evil.org@example.com"),
            ("example.com:8080", "http://example.com"),
            ("example.com", "http://example.com:8080"),
            ("example.com:80", "https://example.com"),
            ("example.com", "null"),
            ("example.com", ""),
            ("example.com", "example.com"),
            ("example.com", "file://"),
            ("example.com", "https://example.com https://example.com"),
            ("example.com", "https://example.com/x?y"),
            ("example.com", "https://example.com:99999"),
            ("example.com", "https://example.com:"),
            ("[::1]", "http://[::1]evil"),
            ("localhost", "tauri://localhost"),
            ("example.com", "chrome-extension://example.com"),
        ] {
            assert!(!allows(&policy, host, origin), "{host} {origin}");
        }
        assert!(!policy.allows(&headers("example.com", &["https://example.com", "https://example.com"])));
        assert!(!policy.allows(&headers("not a host", &["https://example.com"])));
        // The host of a target that is a whole URL precedes `Host`.
        assert!(!policy.allows(&request("http://evil.org/", "example.com", &["http://example.com"])));
    }

    #[test]
    fn patterns_allow_further_origins_by_scheme_host_and_port() {
        let mut policy = OriginPolicy::default();
        for pattern in
            ["https://*.example.org", "http://localhost:3000", "https://app.example.net:8443", "chrome-extension://abc"]
        {
            policy.allow(pattern).expect("a valid pattern");
        }
        for origin in [
            "https://a.example.org",
            "https://a.b.Example.org:443",
            "http://localhost:3000",
            "https://app.example.net:8443",
            "https://own.example.com",
            "chrome-extension://abc",
        ] {
            assert!(allows(&policy, "own.example.com", origin), "{origin}");
        }
        for origin in [
            "https://example.org",
            "https://.example.org",
            "https://evilexample.org",
            "https://.example.org",
            "https://..example.org",
            "https://a..example.org",
            "http://a.example.org",
            "https://a.example.org:8443",
            "http://localhost",
            "https://app.example.net",
        ] {
            assert!(!allows(&policy, "own.example.com", origin), "{origin}");
        }
        for pattern in ["example.org", "https://", "https://*", "https://a.*.org", "https://a/b", "://a", "https://u@a"]
        {
            assert!(OriginPolicy::default().allow(pattern).is_err(), "{pattern}");
        }
        policy.allow_any();
        assert!(allows(&policy, "own.example.com", "null"));
    }

    #[test]
    fn only_listed_hosts_are_answered() {
        let mut policy = OriginPolicy::default();
        assert!(policy.answers(&headers("anything", &[])));
        policy.answer_host("example.com").expect("a valid host");
        policy.answer_host("localhost:8080").expect("a valid host");
        for host in ["example.com", "EXAMPLE.com:8080", "localhost:8080"] {
            assert!(policy.answers(&headers(host, &[])), "{host}");
        }
        for host in ["example.org", "localhost", "localhost:8081", "a@example.com", ""] {
            assert!(!policy.answers(&headers(host, &[])), "{host}");
        }
        for host in ["https://example.com", "localhost:99999", "[::1]evil", ""] {
            assert!(policy.answer_host(host).is_err(), "{host}");
        }
    }
}
