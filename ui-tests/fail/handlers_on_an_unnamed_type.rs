use wswrapper::ws_handlers;

trait Local {}

#[ws_handlers(channel = "desk")]
impl dyn Local {
    pub fn add(&self) -> i64 {
        1
    }
}

fn main() {}
