use wswrapper::ws_handlers;

#[ws_handlers]
struct Desk;

/// Documented.
#[ws_handlers]
trait Calc {}

fn main() {
    let _ = Desk;
}
