//! Messages for failed TLS handshakes.

use std::io;
use tokio_rustls::rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

/// Returns the end of a message that explains a failed handshake. It is empty if rustls' own text says all.
pub(super) fn explain(error: &io::Error) -> String {
    let explanation = match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(Error::InvalidCertificate(error)) => explain_certificate(error),
        Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            "what it answered is not TLS; write ws:// for a server without it".to_owned()
        }
        Some(Error::AlertReceived(AlertDescription::CertificateRequired)) => {
            "it requires a certificate of the client; `.tls(..)` on the client's builder sets one".to_owned()
        }
        Some(Error::AlertReceived(AlertDescription::ProtocolVersion)) => {
            "it speaks no version of TLS that is allowed here".to_owned()
        }
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "it ended the connection; does it speak TLS on this port?".to_owned()
        }
        _ => return String::new(),
    };
    format!(": {explanation}")
}

fn explain_certificate(error: &CertificateError) -> String {
    use CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet, NotValidYetContext, Revoked,
        UnknownIssuer,
    };
    let explanation = match error {
        UnknownIssuer => {
            "is not trusted: no authority known here has issued it; `.tls(..)` on the client's builder sets which are"
        }
        NotValidForName => "is for another name",
        NotValidForNameContext { expected, presented } => {
            return format!("its certificate is not for {}, but for {}", expected.to_str(), list_names(presented));
        }
        Expired | ExpiredContext { .. } => "has expired",
        NotValidYet | NotValidYetContext { .. } => "is not valid yet; is this machine's clock right?",
        Revoked => "was revoked by its authority",
        error if is_of_authority(error) => {
            "is that of an authority and not of a server; the server needs one that the authority has issued"
        }
        error => return format!("its certificate is not accepted ({error:?})"),
    };
    format!("its certificate {explanation}")
}

/// Returns true if a server presents the certificate of an authority. rustls has no variant of its own for that.
fn is_of_authority(error: &CertificateError) -> bool {
    matches!(error, CertificateError::Other(other) if format!("{:?}", other.0) == "CaUsedAsEndEntity")
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
