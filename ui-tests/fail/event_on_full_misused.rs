use wswrapper::{Context, ws_service};

#[ws_service]
trait Market {
    #[ws(event, on_full = "drop_oldest")]
    async fn moved(&self, x: u32);
    #[ws(event, on_full)]
    async fn opened(&self);
    #[ws(event, on_full = latest)]
    async fn closed(&self);
    #[ws(event, on_full = "latest", key = "simbol")]
    async fn price(&self, symbol: String, price: u64);
    #[ws(event, on_full = "latest", key = "ctx")]
    async fn index(&self, ctx: Context, points: u64);
    #[ws(event, on_full = "latest", key = "name")]
    async fn halted(&self);
    #[ws(event, on_full = "latest", key = "")]
    async fn resumed(&self, symbol: String);
    #[ws(event, on_full = "drop", key = "symbol")]
    async fn traded(&self, symbol: String);
    #[ws(event, key = "symbol")]
    async fn listed(&self, symbol: String);
    #[ws(key = "symbol")]
    async fn list(&self, symbol: String) -> u64;
    #[ws(on_full = "drop")]
    async fn buy(&self, symbol: String) -> u64;
}

#[ws_service(channel = "market/{name}")]
trait NamedMarket {
    #[ws(event, on_full = "latest", key = "name")]
    async fn price(&self, name: String, price: u64);
}

fn main() {}
