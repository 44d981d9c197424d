use wswrapper::ws_handlers;

struct Desk;

#[ws_handlers(channel = "desk")]
impl Desk {
    async fn add(&self, (a, b): (i64, i64)) -> i64 {
        a + b
    }
    async fn ignore(&self, _: i64) {}
}

fn main() {
    let _ = Desk;
}
