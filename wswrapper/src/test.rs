//! Helpers for the unit tests of programs.

use crate::call::proxy::Proxy;
use crate::client::Client;
use crate::handle::Peer;
use crate::server::Server;
use crate::service::{PlainContract, Serve};
use crate::transport::memory;

/// Returns a proxy that calls `service` over a connection in memory.
///
/// A test passes the proxy to the code that it tests, with a service of its own in place of the real one. The server
/// and the client live as long as the proxy and its clones.
///
/// ```
/// use wswrapper::{test, ws_handlers, ws_service};
///
/// #[ws_service(channel = "rates")]
/// pub trait Rates {
///     async fn rate(&self, currency: String) -> f64;
/// }
///
/// /// The code under test.
/// async fn in_euros(rates: &RatesProxy, dollars: f64) -> Option<f64> {
///     Some(dollars / rates.rate("USD").await.ok()?)
/// }
///
/// struct FixedRate;
///
/// #[ws_handlers]
/// impl Rates for FixedRate {
///     async fn rate(&self, _currency: String) -> f64 {
///         2.0
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_eq!(in_euros(&test::proxy::<dyn Rates>(FixedRate), 3.0).await, Some(1.5));
/// # }
/// ```
///
/// # Panics
///
/// Panics outside a tokio runtime, or if the service cannot be mounted.
#[track_caller]
pub fn proxy<C: PlainContract + ?Sized>(service: impl Serve<C>) -> C::Proxy<Peer> {
    proxy_of(service)
}

#[track_caller]
fn proxy_of<C: PlainContract + ?Sized, S: Serve<C>>(service: S) -> C::Proxy<Peer> {
    let (local, remote) = memory::pair();
    let server = match Server::builder().service_as::<C>(service).build() {
        Ok(server) => server,
        Err(error) => panic!("the service cannot be mounted: {error}"),
    };
    let connected = server.accept_transport(remote).is_ok();
    let (true, Ok(client)) = (connected, Client::connect_transport(local)) else {
        unreachable!("a new server accepts connections, and a client without services has nothing to mount")
    };
    // The server lives as long as its connection.
    client.peer().extensions().insert(server);
    C::proxy(Proxy::new(client.peer(), S::CHANNEL))
}
