//! The layer that handles the calls of unknown events.

use super::{IntoReply, Layer, LayerCall, Next, Reply};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// The layer that [`fallback`] returns.
pub struct Fallback {
    handle: Arc<Handle>,
}

type Handle = dyn Fn(LayerCall) -> Pin<Box<dyn Future<Output = Reply> + Send>> + Send + Sync;

/// Returns a layer that handles the calls whose event has no handler.
///
/// It is added to the builder of a server or client. A router's own services have handlers for all that passes its layers.
///
/// ```
/// # use wswrapper::{Client, transport::memory};
/// use wswrapper::Server;
/// use wswrapper::service::layer::{self, LayerCall, Reply};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let echo = layer::fallback(|call: LayerCall| async move { Reply::value(&call.arguments()) });
/// let server = Server::builder().layer(echo).build()?;
/// # let (near, far) = memory::pair();
/// # server.accept_transport(far)?;
/// # let client = Client::connect_transport(near)?;
/// assert_eq!(client.request::<Vec<u32>>("anything", (1, 2)).await?, [1, 2]);
/// # Ok(())
/// # }
/// ```
pub fn fallback<F, Fut>(handle: F) -> Fallback
where
    F: Fn(LayerCall) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoReply> + Send + 'static,
{
    Fallback {
        handle: Arc::new(move |call| {
            let future = handle(call);
            Box::pin(async move { future.await.into_reply() })
        }),
    }
}

impl Layer for Fallback {
    fn call(&self, call: LayerCall, next: Next) -> impl Future<Output = Reply> + Send + 'static {
        let handle = Arc::clone(&self.handle);
        async move { if call.has_handler() { next.run(call).await } else { handle(call).await } }
    }
}

impl std::fmt::Debug for Fallback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fallback")
    }
}
