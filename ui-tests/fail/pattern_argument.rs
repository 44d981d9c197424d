use wswrapper::ws_handlers;

struct Desk;

#[ws_handlers(channel = "desk")]
impl Desk {
    pub async fn add(&self, (a, b): (i64, i64)) -> i64 {
        a + b
    }
    pub async fn ignore(&self, _: i64) {}
}

fn main() {
    let _ = Desk;
}
