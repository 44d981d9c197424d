//! The pages of a server for load balancers and operators.

use super::entrance::Entrance;
use super::{Phase, ServerBuilder};
use crate::engine::LocalEndpoint;
use crate::http::{Site, SitePage, absolute_path};
use crate::lock::lock;
use crate::rt::{Instant, after};
use bytes::Bytes;
use http::StatusCode;
use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

/// The time for which a status is answered again. So a flood of requests does not ask all connections each time.
const STATUS_AGE: Duration = Duration::from_secs(1);

/// The paths of a server's own pages.
#[derive(Default, Debug)]
pub(crate) struct Probes {
    health_path: Option<String>,
    status_path: Option<String>,
    /// The last status, and the time at which it was made.
    status: Mutex<Option<(Instant, Bytes)>>,
}

impl ServerBuilder {
    /// Answers ordinary GET and HEAD requests for `path` with the health of the server, for load balancers.
    ///
    /// The status is 200 with the text `ok` while the server accepts connections, and 503 with `draining` once it
    /// [drains](crate::Server::shutdown). It is answered for every host, also if [`hosts`](Self::hosts) lists others,
    /// because a load balancer asks by address. It goes before the [`fallback`](Self::fallback).
    ///
    /// ```
    /// # use wswrapper::{Server, error::MountError};
    /// let server = Server::builder().health_path("/health").status_path("/internal/status").build()?;
    /// # Ok::<(), MountError>(())
    /// ```
    pub fn health_path(mut self, path: &str) -> Self {
        self.probes.health_path = Some(absolute_path(path));
        self
    }

    /// Answers ordinary GET and HEAD requests for `path` with the [status](crate::Server::status) of the server, as
    /// JSON.
    ///
    /// **It is public:** whoever reaches the server can read it, unless a proxy in front of it hides the path. No check
    /// of [`authenticate`](Self::authenticate) applies to it. It is made anew at most once a second. It goes before the
    /// [`fallback`](Self::fallback).
    pub fn status_path(mut self, path: &str) -> Self {
        self.probes.status_path = Some(absolute_path(path));
        self
    }
}

impl Entrance {
    /// Returns the health of the server: 200, or 503 once it drains.
    pub(crate) fn health(&self) -> (StatusCode, Bytes) {
        match self.phase() {
            Phase::Open => (StatusCode::OK, Bytes::from_static(b"ok\n")),
            _ => (StatusCode::SERVICE_UNAVAILABLE, Bytes::from_static(b"draining\n")),
        }
    }

    /// Returns the status of the server as JSON, which is at most a second old.
    pub(crate) fn status_json(&self) -> Bytes {
        let now = Instant::now();
        let mut last = lock(&self.probes.status);
        match &*last {
            Some((made, json)) if now < after(*made, STATUS_AGE) => json.clone(),
            _ => {
                // Cannot fail: all fields are numbers and texts.
                let json = Bytes::from(serde_json::to_vec(&self.status()).unwrap_or_default());
                *last = Some((now, json.clone()));
                json
            }
        }
    }
}

impl Site for Entrance {
    fn endpoint(&self) -> &LocalEndpoint {
        &self.endpoint
    }

    fn connections(&self) -> usize {
        self.registry.len()
    }

    fn refuses_connections(&self) -> bool {
        self.phase() > Phase::Open
    }

    fn refusing(&self) -> impl Future<Output = ()> + Send {
        self.reaches(|phase| phase > Phase::Open)
    }

    fn health_page(&self, path: &str) -> Option<SitePage> {
        (self.probes.health_path.as_deref()? == path).then(|| {
            let (status, content) = self.health();
            SitePage { status, content_type: "text/plain; charset=utf-8", content }
        })
    }

    fn status_page(&self, path: &str) -> Option<SitePage> {
        (self.probes.status_path.as_deref()? == path).then(|| SitePage {
            status: StatusCode::OK,
            content_type: "application/json",
            content: self.status_json(),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::Server;
    use crate::transport::memory;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn the_status_page_is_made_anew_once_a_second() {
        let server = Server::builder().build().expect("nothing to mount");
        let connections = || {
            let status = serde_json::from_slice::<serde_json::Value>(&server.inner.entrance.status_json());
            status.expect("JSON")["connections"].as_u64()
        };
        assert_eq!(connections(), Some(0));
        let (_local, remote) = memory::pair();
        server.accept_transport(remote).expect("it is open");
        tokio::time::advance(Duration::from_millis(999)).await;
        assert_eq!((connections(), server.status().connections), (Some(0), 1));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(connections(), Some(1));
    }
}
