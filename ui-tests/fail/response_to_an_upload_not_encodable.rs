use wswrapper::{Upload, ws_service};

struct NotJson;

#[ws_service]
trait Numbers {
    async fn collect(&self, numbers: Upload<i64>) -> NotJson;
    async fn check(&self, numbers: Upload<i64>) -> Result<(), NotJson>;
}

fn main() {
    let _ = NotJson;
}
