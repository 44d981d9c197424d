use wswrapper::ws_handlers;

#[ws_handlers]
struct Desk;

/// Documented.
#[ws_handlers(channel = "calc")]
trait Calc {
    #[ws(event)]
    fn log(&self, #[ws(context)] context: wswrapper::Context);
}

fn main() {
    let _ = Desk;
}
