use wswrapper::ws_service;

#[ws_service]
trait Calc {
    async fn count(&self, to: u32) -> impl Iterator<Item = u32>;
    async fn list(&self) -> Result<Vec<impl Clone>, String>;
}

fn main() {}
