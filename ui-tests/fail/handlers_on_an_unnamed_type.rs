use wswrapper::ws_handlers;

trait Local {}

#[ws_handlers(channel = "desk")]
impl dyn Local {
    fn add(&self) -> i64 {
        1
    }
}

fn main() {}
