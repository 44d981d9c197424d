use wswrapper::{Upload, ws_service};

#[ws_service]
trait Numbers {
    #[ws(event)]
    async fn log(&self, lines: Upload<String>);
}

fn main() {}
