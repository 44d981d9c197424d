use wswrapper::{Upload, ws_handlers, ws_service};

struct NotJson;

#[ws_service]
trait Numbers {
    async fn sum(&self, numbers: Upload<NotJson>) -> i64;
    async fn product(&self, numbers: Upload<i64, NotJson>) -> i64;
}

struct Desk;

#[ws_handlers(channel = "desk")]
impl Desk {
    pub async fn last(&self, numbers: Upload<Vec<NotJson>>) -> i64 {
        drop(numbers);
        1
    }
}

fn main() {
    let _ = (Desk, NotJson);
}
