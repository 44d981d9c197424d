use wswrapper::WsError;

#[derive(WsError)]
union Either {
    a: u8,
    b: i8,
}

fn main() {}
