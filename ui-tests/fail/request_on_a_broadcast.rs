use wswrapper::{Server, ws_service};

#[ws_service]
trait Calc {
    async fn add(&self, a: i64, b: i64) -> i64;
    #[ws(event)]
    async fn log(&self, line: String);
}

async fn broadcast(server: &Server) {
    let calc = CalcProxy::new(server.broadcast());
    let _ = calc.log("fine").await;
    let _ = calc.add(1, 2).await;
}

fn main() {
    let _ = broadcast;
}
