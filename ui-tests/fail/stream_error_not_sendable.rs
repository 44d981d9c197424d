use wswrapper::{Stream, ws_service};

struct Opaque;

#[ws_service]
trait Numbers {
    async fn refused(&self) -> Result<impl Stream<Item = u32> + Send, Opaque>;
    async fn broken(&self) -> impl Stream<Item = Result<u32, Opaque>> + Send;
}

fn main() {
    let _ = Opaque;
}
