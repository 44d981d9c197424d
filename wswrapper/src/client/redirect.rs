//! Redirects of a handshake to another URL.

use super::url::ServerUrl;
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// Returns the `Location` of a redirect.
pub(super) fn location(status: StatusCode, headers: &HeaderMap) -> Option<&HeaderValue> {
    match status.as_u16() {
        301 | 302 | 303 | 307 | 308 => headers.get(header::LOCATION),
        _ => None,
    }
}

/// Returns the URL to which a server redirects. Returns the reason if the client must not follow.
pub(super) fn resolve(url: &ServerUrl, location: &HeaderValue) -> Result<ServerUrl, String> {
    let unusable = |reason| format!("it redirects to a URL that cannot be used: {reason}");
    let location = std::str::from_utf8(location.as_bytes()).map_err(|_| unusable("it is not in UTF-8"))?;
    // A fragment is for the client.
    let location = location.split('#').next().unwrap_or_default();
    let next = match split_scheme(location) {
        Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
            "http" | "ws" => ServerUrl::parse_parts(&format!("ws:{rest}")),
            "https" | "wss" => ServerUrl::parse_parts(&format!("wss:{rest}")),
            _ => Err("it must begin with ws://, wss://, http:// or https://"),
        },
        None if location.starts_with("//") => ServerUrl::parse_parts(&format!("{}:{location}", url.scheme.name())),
        None => url.with_target(&resolve_path(&url.target, location)),
    };
    let next = next.map_err(unusable)?;
    check(url, &next).map_or(Ok(next), |reason| Err(reason.to_owned()))
}

/// Returns the reason if a redirect is not safe.
fn check(from: &ServerUrl, to: &ServerUrl) -> Option<&'static str> {
    if from.scheme.is_encrypted() && !to.scheme.is_encrypted() {
        Some("it redirects from wss to ws, which is not followed")
    } else if from.endpoint.is_unix() && from.endpoint != to.endpoint {
        Some("it redirects from its Unix socket to another server, which is not followed")
    } else {
        None
    }
}

/// Removes the headers that are for one server only.
pub(super) fn remove_private(headers: &mut HeaderMap) {
    let private: Vec<_> = headers
        .keys()
        .filter(|name| {
            matches!(**name, header::AUTHORIZATION | header::COOKIE | header::HOST)
                || name.as_str().starts_with("proxy-")
        })
        .cloned()
        .collect();
    for name in private {
        headers.remove(name);
    }
}

/// Returns the scheme of a URL and the rest after its colon.
fn split_scheme(location: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = location.split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme.then_some((scheme, rest))
}

/// Resolves a relative reference (RFC 3986, 5.2.2).
fn resolve_path(base: &http::Uri, reference: &str) -> String {
    let (path, query) = match reference.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (reference, None),
    };
    let query = match path {
        "" => query.or(base.query()),
        _ => query,
    };
    let path = match path {
        "" => base.path().to_owned(),
        path if path.starts_with('/') => remove_dot_segments(path),
        path => {
            let directory = base.path().rfind('/').map_or("/", |slash| &base.path()[..=slash]);
            remove_dot_segments(&format!("{directory}{path}"))
        }
    };
    query.map_or(path.clone(), |query| format!("{path}?{query}"))
}

/// Removes `.` and `..` from an absolute path.
fn remove_dot_segments(path: &str) -> String {
    let mut kept = Vec::new();
    let mut segments = path[1..].split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_dots = matches!(segment, "." | "..");
        if segment == ".." {
            kept.pop();
        }
        if !is_dots {
            kept.push(segment);
        } else if segments.peek().is_none() {
            // The path ends with a slash.
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::{resolve, resolve_path};
    use crate::client::url::ServerUrl;
    use http::HeaderValue;

    #[test]
    fn references_are_resolved_as_rfc_3986_says() {
        let base = "/b/c/d;p?q".parse().expect("a path");
        for (reference, expected) in [
            ("g", "/b/c/g"),
            ("./g", "/b/c/g"),
            ("g/", "/b/c/g/"),
            ("/g", "/g"),
            ("?y", "/b/c/d;p?y"),
            ("g?y", "/b/c/g?y"),
            ("", "/b/c/d;p?q"),
            (".", "/b/c/"),
            ("./", "/b/c/"),
            ("..", "/b/"),
            ("../g", "/b/g"),
            ("../..", "/"),
            ("../../../g", "/g"),
            ("/./g", "/g"),
            ("/../g", "/g"),
            ("g.", "/b/c/g."),
            ("./g/.", "/b/c/g/"),
            ("g/../h", "/b/c/h"),
        ] {
            assert_eq!(resolve_path(&base, reference), expected, "{reference}");
        }
    }

    #[test]
    fn a_location_leads_to_a_host_or_a_path() {
        let from = |url: &str, location: &'static str| {
            let url = ServerUrl::parse(url).expect("a URL");
            resolve(&url, &HeaderValue::from_static(location)).map(|url| format!("{}{}", url.address, url.target))
        };
        for (location, expected) in [
            ("http://other/b", "other:80/b"),
            ("WS://other:81/b#c", "other:81/b"),
            ("//other/b", "other:80/b"),
            ("/b", "here:1/b"),
            ("b:c", "it redirects to a URL that cannot be used: it must begin with ws://, wss://, http:// or https://"),
            ("./b:c", "here:1/b:c"),
            (
                "http://ada:secret@other/",
                "it redirects to a URL that cannot be used: it names a user; write `.header(\"Authorization\", ..)` on the \
                 client's builder instead",
            ),
        ] {
            let reached = from("ws://here:1/a?q", location);
            assert_eq!(reached.unwrap_or_else(|reason| reason), expected, "{location}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_unix_socket_is_not_left() {
        let url = ServerUrl::parse("ws+unix:///run/desk.sock:/a").expect("a URL");
        for location in ["ws://other/", "//other/", "http://localhost/"] {
            let reason = resolve(&url, &HeaderValue::from_static(location)).expect_err(location);
            assert_eq!(reason, "it redirects from its Unix socket to another server, which is not followed");
        }
        let next = resolve(&url, &HeaderValue::from_static("b")).expect("a path");
        assert_eq!((next.address.as_str(), next.target.path()), ("/run/desk.sock", "/b"));
    }

    #[cfg(feature = "rustls")]
    #[test]
    fn tls_is_not_left() {
        let url = ServerUrl::parse("wss://here/").expect("a URL");
        for location in ["ws://here/", "http://here/"] {
            let reason = resolve(&url, &HeaderValue::from_static(location)).expect_err(location);
            assert_eq!(reason, "it redirects from wss to ws, which is not followed");
        }
        for (location, address) in [("//other", "other:443"), ("https://other:1", "other:1"), ("/", "here:443")] {
            let next = resolve(&url, &HeaderValue::from_static(location)).expect(location);
            assert_eq!(next.address, address);
        }
    }
}
