use wswrapper::{ws_handlers, ws_service};

#[derive(serde::Serialize, serde::Deserialize)]
struct Context {
    unit: String,
}

#[ws_service]
trait Calc {
    async fn add(&self, context: Context, a: i64) -> i64;
    async fn sub(&self, a: i64, context: Context) -> i64;
}

struct Desk;

#[ws_handlers]
impl Desk {
    pub fn length(&self, #[ws(context)] text: String) -> usize {
        text.len()
    }
}

fn main() {
    let _ = Desk;
}
