// Values, streams and scoped services that may be requested again, in a trait, for clients only and in a plain `impl`.

use wswrapper::{AnonymousChannel, Peer, Scoped, Stream, Streaming, ws_handlers, ws_service};

#[ws_service]
trait Cart {
    #[ws(idempotent)]
    async fn total(&self) -> u32;
}

#[ws_service(channel = "shop")]
trait Shop {
    #[ws(idempotent)]
    async fn price(&self, of: &str) -> Result<u32, String>;
    #[ws(name = "allPrices", idempotent)]
    async fn prices(&self) -> impl Stream<Item = u32> + Send;
    #[ws(idempotent)]
    async fn cart(&self) -> Scoped<dyn Cart>;
    #[ws(blocking, idempotent)]
    fn hash(&self, text: String) -> u64;
}

#[ws_service(channel = "page", client)]
trait Page {
    #[ws(idempotent)]
    async fn title(&self) -> String;
}

struct Items;

#[ws_handlers]
impl Cart for Items {
    async fn total(&self) -> u32 {
        0
    }
}

struct Desk;

#[ws_handlers]
impl Shop for Desk {
    async fn price(&self, of: &str) -> Result<u32, String> {
        Err(of.to_owned())
    }
    async fn prices(&self) -> impl Stream<Item = u32> + Send {
        futures_util::stream::iter([1, 2])
    }
    async fn cart(&self) -> Scoped<dyn Cart> {
        Scoped::new(Items)
    }
    fn hash(&self, text: String) -> u64 {
        text.len() as u64
    }
}

struct Clock;

#[ws_handlers]
impl Clock {
    #[ws(idempotent)]
    fn now(&self) -> u64 {
        0
    }
}

async fn calls(peer: &Peer) -> Result<(), Box<dyn std::error::Error>> {
    let shop = ShopProxy::new(peer);
    let _price: u32 = shop.price("tea").await?;
    let _prices: Streaming<u32> = shop.prices().window(2).await?;
    let cart: CartProxy<AnonymousChannel> = shop.cart().await?;
    let _total: u32 = cart.total().await?;
    let _hash: u64 = shop.hash("tea".to_owned()).await?;
    let _title: String = PageProxy::new(peer).title().await?;
    let _now: u64 = ClockProxy::new(peer).now().await?;
    let _count: u64 = peer.request("count", ()).idempotent().await?;
    Ok(())
}

fn main() {
    let _ = (Desk, Items, Clock);
    drop(calls);
}
