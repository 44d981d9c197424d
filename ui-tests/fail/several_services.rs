use wswrapper::{Server, ws_handlers, ws_service};

#[ws_service(channel = "calc")]
trait Calc {
    async fn add(&self, a: i64) -> i64;
}

#[ws_service(channel = "files")]
trait Files {
    async fn read(&self) -> String;
}

struct Desk;

#[ws_handlers]
impl Calc for Desk {
    async fn add(&self, a: i64) -> i64 {
        a
    }
}

#[ws_handlers]
impl Files for Desk {
    async fn read(&self) -> String {
        String::new()
    }
}

struct Plain;

#[ws_handlers]
impl Plain {
    pub fn now(&self) -> u64 {
        0
    }
}

fn tuple() {
    let _ = Server::builder().service((Plain, Plain));
}

fn two_arguments() {
    let _ = Server::builder().service(Plain, Plain);
}

fn two_contracts() {
    let _ = Server::builder().service(Desk);
}

fn two_contracts_for_each_connection() {
    let _ = Server::builder().service_with(|_| Desk);
}

fn main() {
    tuple();
    two_arguments();
    two_contracts();
    two_contracts_for_each_connection();
}
