use wswrapper::ws_service;

#[ws_service(channel)]
trait Calc {
    #[ws(event = true)]
    async fn log(&self);
    #[ws(name = 5)]
    async fn add(&self);
    #[ws(name = )]
    async fn sub(&self);
    #[ws]
    async fn div(&self);
}

#[ws_service(rename_all = "camel")]
trait Other {}

fn main() {}
