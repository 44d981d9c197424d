//! Pages, cookies, the port, and the end of a site.

use axum::Router;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, COOKIE};
use axum::routing::{MethodRouter, get};
use axum::serve::ListenerExt as _;
use std::future::IntoFuture as _;
use std::io;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;
use tokio::time::timeout;
use wswrapper::{Server, error::ServeError};

/// Time for the calls that are still running after Ctrl-C.
const DRAIN_TIME: Duration = Duration::from_secs(5);
/// Time for the requests that are still running after that.
const GRACE: Duration = Duration::from_secs(3);

/// Serves a file that is part of the program. A browser asks again each time, because a new program may have a new one.
pub(crate) fn page<S: Clone + Send + Sync + 'static>(
    content_type: &'static str,
    content: &'static str,
) -> MethodRouter<S> {
    get(move || async move { ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-cache")], content) })
}

/// Returns the value of a cookie of this name.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut cookies = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    cookies.find_map(|(its_name, value)| (its_name == name).then_some(value))
}

/// Binds a TCP port.
pub(crate) async fn bind(host: &str, port: u16) -> Result<TcpListener, ServeError> {
    let bound = TcpListener::bind((host, port)).await;
    bound.map_err(|source| ServeError::Bind { address: format!("{host}:{port}"), source })
}

/// Serves requests until Ctrl-C. Then it accepts no more, lets the calls of `server` finish, and closes
/// its connections.
pub(crate) async fn serve_until_ctrl_c(listener: TcpListener, router: Router, server: &Server) -> io::Result<()> {
    // Small messages are sent at once. An error means that the client has gone.
    let listener = listener.tap_io(|tcp| drop(tcp.set_nodelay(true)));
    let requests = axum::serve(listener, router).with_graceful_shutdown(async { drop(ctrl_c().await) });
    let requests = tokio::spawn(requests.into_future());
    ctrl_c().await?;
    server.shutdown(DRAIN_TIME).await;
    // A client that never completes its request does not keep the program running.
    match timeout(GRACE, requests).await {
        Ok(result) => result?,
        Err(_) => Ok(()),
    }
}
