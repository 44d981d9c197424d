use wswrapper::ws_service;

struct Desk;

#[ws_service]
impl Desk {}

fn main() {
    let _ = Desk;
}
