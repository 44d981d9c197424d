use wswrapper::{ws_handlers, ws_service};

#[ws_service]
trait Calc {
    async fn add(&self, a: i64) -> i64;
    #[ws(name = "add")]
    async fn sum(&self, a: i64) -> i64;
}

struct Desk;

#[ws_handlers(channel = "desk", rename_all = "camelCase")]
impl Desk {
    pub async fn read_file(&self) {}
    #[allow(non_snake_case)]
    pub async fn readFile(&self) {}
}

fn main() {
    let _ = Desk;
}
