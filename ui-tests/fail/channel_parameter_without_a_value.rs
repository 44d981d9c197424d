use wswrapper::{Context, Upload, ws_service};

#[ws_service(channel = "doc/{id}")]
trait Doc {
    async fn upload(&self, id: Upload<u64>);
    async fn context(&self, id: Context);
    async fn later_context(&self, text: String, id: Context);
    async fn bytes(&self, id: &[u8]);
    async fn reference(&self, id: &u64);
    async fn right(&self, id: &str);
}

fn main() {}
