//! Results of calls that may open a channel.

use super::anonymous_channel::AnonymousChannel;
use crate::call::FromResponse;
use crate::call::response::{ReceivedResponse, ResponseKind};
use serde::de::DeserializeOwned;

/// The result of a call whose caller does not know whether the handler returns a value or a channel.
///
/// ```
/// # use wswrapper::{Client, Context, Server, connection::ValueOrChannel, error::Rejection, transport::memory};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = Server::builder().build()?;
/// # server.on("price", || async { 7 })?;
/// # let (client_transport, server_transport) = memory::pair();
/// # server.accept_transport(server_transport)?;
/// # let client = Client::connect_transport(client_transport)?;
/// match client.request::<ValueOrChannel<u32>>("price", ()).await? {
///     ValueOrChannel::Value(price) => assert_eq!(price, 7),
///     ValueOrChannel::Channel(prices) => {
///         let price: u32 = prices.request("latest", ()).await?;
///         println!("{price}");
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub enum ValueOrChannel<T> {
    /// A value.
    Value(T),
    /// A channel.
    Channel(AnonymousChannel),
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> FromResponse for ValueOrChannel<T> {
    const KIND: ResponseKind = ResponseKind::Channel;

    fn from_response(response: ReceivedResponse<'_>) -> Result<Self, serde_json::Error> {
        if response.opens_channel() {
            AnonymousChannel::from_response(response).map(Self::Channel)
        } else {
            T::from_response(response).map(Self::Value)
        }
    }
}
