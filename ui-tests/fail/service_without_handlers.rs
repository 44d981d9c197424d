struct Plain;

fn main() {
    let _ = wswrapper::Server::builder().service(Plain);
}
