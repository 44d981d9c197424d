use wswrapper::ws_service;

#[ws_service(channel)]
trait Calc {
    #[ws(event = true)]
    async fn log(&self);
    #[ws(name = 5)]
    async fn add(&self);
    #[ws(name = )]
    async fn sub(&self);
    #[ws(name = mul)]
    async fn mul(&self);
    #[ws(name("half"))]
    async fn half(&self);
    #[ws("third")]
    async fn third(&self);
    #[ws(event name = "fourth")]
    async fn fourth(&self);
    #[ws]
    async fn div(&self);
    #[ws = "rest"]
    async fn rest(&self);
}

#[ws_service("calc")]
trait Named {}

#[ws_service(rename_all = "camel")]
trait Other {}

fn main() {}
