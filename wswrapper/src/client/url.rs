//! URLs of servers.

use crate::error::ConnectError;
use http::Uri;

/// A parsed `ws://` or `wss://` URL.
pub(super) struct ServerUrl {
    pub(super) uri: Uri,
    pub(super) scheme: Scheme,
    /// The host and the port.
    pub(super) address: String,
}

pub(super) enum Scheme {
    Ws,
    #[cfg(feature = "rustls")]
    Wss,
}

impl ServerUrl {
    pub(super) fn parse(url: &str) -> Result<Self, ConnectError> {
        let invalid = |reason| ConnectError::Url { url: without_user_info(url), reason };
        let uri: Uri = url.parse().map_err(|_| invalid("it cannot be parsed"))?;
        let (scheme, default_port) = match uri.scheme_str().map(str::to_ascii_lowercase).as_deref() {
            Some("ws") => (Scheme::Ws, 80_u16),
            #[cfg(feature = "rustls")]
            Some("wss") => (Scheme::Wss, 443),
            #[cfg(not(feature = "rustls"))]
            Some("wss") => return Err(invalid("wss:// needs the feature `rustls` of the crate wswrapper")),
            Some("http") => return Err(invalid("it begins with http; write ws:// instead")),
            Some("https") => return Err(invalid("it begins with https; write wss:// instead")),
            _ => return Err(invalid("it must begin with ws:// or wss://")),
        };
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if authority.contains('@') {
            return Err(invalid(
                "it names a user; write `.header(\"Authorization\", ..)` on the client's builder instead",
            ));
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| invalid("it has no host"))?;
        let port = match authority[host.len()..].strip_prefix(':') {
            None | Some("") => default_port,
            Some(port) => port.parse().map_err(|_| invalid("its port is not a number up to 65535"))?,
        };
        let address = format!("{host}:{port}");
        // The target of a request starts with a slash, which `ws://host?query` lacks. `Uri::to_string` adds it.
        let uri = if uri.path_and_query().is_some_and(|target| target.as_str().starts_with('?')) {
            uri.to_string().parse().map_err(|_| invalid("it cannot be parsed"))?
        } else {
            uri
        };
        Ok(Self { uri, scheme, address })
    }

    /// Returns the host for which the certificate must be valid.
    #[cfg(feature = "rustls")]
    pub(super) fn host(&self) -> &str {
        let host = self.uri.host().unwrap_or_default();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }
}

/// Returns the URL without user and password, even if it cannot be parsed, for error messages.
fn without_user_info(url: &str) -> String {
    let start = url.find("://").map_or(0, |scheme| scheme + "://".len());
    match url[start..].rfind('@') {
        Some(at) => format!("{}***{}", &url[..start], &url[start + at..]),
        None => url.to_owned(),
    }
}

#[cfg(all(test, not(feature = "rustls")))]
mod tests {
    use super::ServerUrl;

    /// A unit test, because the integration tests are built with the feature `rustls`.
    #[test]
    fn wss_without_the_feature_names_the_feature() {
        let error = ServerUrl::parse("wss://localhost").err().expect("it has no TLS");
        assert_eq!(
            error.to_string(),
            "`wss://localhost` is not a WebSocket URL: wss:// needs the feature `rustls` of the crate wswrapper"
        );
    }
}
