use wswrapper::{Context, ws_handlers, ws_service};

#[ws_service]
trait Calc {
    async fn add(&self, a: i64) -> i64;
}

struct Desk;

#[ws_handlers]
impl Desk {
    pub async fn ask(&self, ctx: Context) -> i64 {
        CalcProxy::new(&ctx).add(1).await.unwrap_or_default()
    }
}

fn main() {
    let _ = wswrapper::Server::builder().service(Desk);
}
