//! Messages for failed TLS handshakes.

use std::io;
use tokio_rustls::rustls::{CertificateError, Error, InvalidMessage};

/// Returns a message that explains a failed handshake.
pub(super) fn explain(error: &io::Error) -> String {
    use CertificateError::{
        ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYetContext, UnknownIssuer,
    };
    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof => "it ended the connection; does it speak TLS on this port?".to_owned(),
            _ => error.to_string(),
        };
    };
    match tls {
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "what it answered is not TLS; write ws:// for a server without it".to_owned()
        }
        Error::InvalidCertificate(UnknownIssuer) => {
            "its certificate is not trusted: no authority known here has issued it; `.tls(..)` on the client's builder \
             sets which are"
                .to_owned()
        }
        Error::InvalidCertificate(NotValidForName) => "its certificate is for another name".to_owned(),
        Error::InvalidCertificate(NotValidForNameContext { expected, presented }) => {
            format!("its certificate is not for {}, but for {}", expected.to_str(), list_names(presented))
        }
        Error::InvalidCertificate(CertificateError::Expired | ExpiredContext { .. }) => {
            "its certificate has expired".to_owned()
        }
        Error::InvalidCertificate(CertificateError::NotValidYet | NotValidYetContext { .. }) => {
            "its certificate is not valid yet; is this machine's clock right?".to_owned()
        }
        other => other.to_string(),
    }
}

/// Joins the names of a certificate. Each is `DnsName("localhost")` in rustls.
fn list_names(presented: &[String]) -> String {
    let bare = |name: &String| {
        name.strip_prefix("DnsName(\"").and_then(|name| name.strip_suffix("\")")).unwrap_or(name).to_owned()
    };
    match presented {
        [] => "no name at all".to_owned(),
        names => names.iter().map(bare).collect::<Vec<_>>().join(", "),
    }
}
