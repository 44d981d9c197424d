// Expansions need no prelude, and no crate called `core`, `std` or `wswrapper`.

#![no_implicit_prelude]

extern crate wswrapper as renamed;

mod core {}
mod std {}
mod wswrapper {}

#[derive(::core::fmt::Debug, renamed::WsError)]
#[ws(crate = renamed)]
pub enum CalcError {
    DivisionByZero,
    TooBig { max: ::core::primitive::i64 },
    Pair(::core::primitive::i64, ::std::string::String),
}

impl ::core::fmt::Display for CalcError {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        f.write_str("no")
    }
}

#[renamed::ws_service(crate = renamed, channel = "calc")]
pub trait Calc {
    async fn add(&self, a: i64, b: i64) -> i64;
    async fn div(&self, a: i64, b: i64) -> ::core::result::Result<i64, CalcError>;
    async fn text(&self, line: &str, bytes: &[u8], owned: ::std::string::String) -> ();
    #[ws(event, on_full = "latest", key = "call")]
    async fn log(&self, call: i64, methods: i64, this: i64, context: i64, to: i64) {
        let _ = (call, methods, this, context, to);
    }
}

struct Desk;

#[renamed::ws_handlers(crate = "renamed")]
impl Calc for Desk {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
    async fn div(&self, a: i64, b: i64) -> ::core::result::Result<i64, CalcError> {
        ::core::result::Result::Ok(a / b)
    }
    async fn text(&self, _line: &str, _bytes: &[u8], _owned: ::std::string::String) {}
}

struct Plain;

#[renamed::ws_handlers(crate = renamed)]
impl Plain {
    pub async fn echo(&self, line: ::std::string::String) -> ::std::string::String {
        line
    }
}

struct Doc;

#[renamed::ws_handlers(crate = renamed, channel = "doc/{id}/{name}")]
impl Doc {
    pub async fn read(&self, id: u64, name: &str) -> u64 {
        let _ = name;
        id
    }
}

fn main() {
    let _ = CalcProxy::<renamed::Peer>::add;
    let _ = (Desk, Plain, Doc);
}
