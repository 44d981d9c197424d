// An event says what happens at a full queue, in its contract or for one future.

use wswrapper::call::{OnFull, Target};
use wswrapper::error::SendError;
use wswrapper::server::{Audience, Delivery};
use wswrapper::{Context, Peer, ws_handlers, ws_service};

#[ws_service]
trait Market {
    #[ws(event, on_full = "wait")]
    async fn opened(&self);
    #[ws(event, on_full = "drop", name = "pointer")]
    fn moved(&self, x: i32);
    #[ws(event, on_full = "latest")]
    async fn index(&self, points: f64);
    #[ws(event, on_full = "latest", key = "type")]
    async fn price(&self, context: Context, cents: u64, r#type: &str);
    #[ws(event, on_full = "close")]
    async fn traded(&self, id: u64);
}

struct Desk;

#[ws_handlers]
impl Desk {
    #[ws(event, on_full = "latest", key = "bytes")]
    pub async fn frame(&self, bytes: &[u8]) {
        let _ = bytes;
    }
}

fn of_any<T: Target>(market: &MarketProxy<T>) -> T::Emit {
    market.price(12, "tea")
}

async fn calls(peer: &Peer, room: Audience) -> Result<Delivery, SendError> {
    let market = MarketProxy::new(peer);
    let _: () = of_any(&market).await?;
    let _: () = market.moved(1).on_full(OnFull::Close).await?;
    let _: () = DeskProxy::new(peer).frame(b"bytes").await?;
    let market = MarketProxy::new(room);
    market.opened().await?;
    of_any(&market).on_full(OnFull::LatestOf("tea".to_owned())).await
}

fn main() {
    let _ = calls;
    let _ = wswrapper::Server::builder().service(Desk);
}
