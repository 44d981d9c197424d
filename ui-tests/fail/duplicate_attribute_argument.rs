use wswrapper::ws_service;

#[ws_service(channel = "a", channel = "b")]
trait Calc {
    #[ws(event)]
    #[ws(event)]
    async fn log(&self);
}

fn main() {}
