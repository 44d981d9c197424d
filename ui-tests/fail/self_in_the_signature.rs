use wswrapper::ws_handlers;

#[derive(Clone)]
struct Desk;

#[ws_handlers(channel = "desk")]
impl Desk {
    pub async fn copy(&self) -> Self {
        self.clone()
    }
    pub async fn compare(&self, others: Vec<Self>) -> bool {
        others.is_empty()
    }
}

fn main() {
    let _ = Desk;
}
