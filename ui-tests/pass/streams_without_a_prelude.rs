// Expansions of streams, uploads and scoped services need no prelude, and pass strict lints.

#![no_implicit_prelude]
#![deny(warnings, unused_qualifications, elided_lifetimes_in_paths, single_use_lifetimes, trivial_bounds)]

extern crate wswrapper as renamed;

mod core {}
mod std {}
mod wswrapper {}

#[renamed::ws_service(crate = renamed)]
pub trait Inner {
    async fn one(&self) -> i64;
}

#[renamed::ws_service(crate = renamed, channel = "calc")]
pub trait Calc {
    async fn count(
        &self,
        call: i64,
        this: i64,
        producer: i64,
    ) -> impl renamed::Stream<Item = i64> + ::core::marker::Send;
    async fn sum(&self, call: i64, this: renamed::Upload<i64>) -> i64;
    async fn inner(&self) -> ::core::result::Result<renamed::Scoped<dyn Inner>, ::std::string::String>;
}

struct Desk;

#[renamed::ws_handlers(crate = renamed)]
impl Calc for Desk {
    async fn count(
        &self,
        call: i64,
        this: i64,
        producer: i64,
    ) -> impl renamed::Stream<Item = i64> + ::core::marker::Send {
        ::futures_util::stream::iter([call, this, producer])
    }
    async fn sum(&self, call: i64, mut this: renamed::Upload<i64>) -> i64 {
        let mut sum = call;
        while let ::core::option::Option::Some(::core::result::Result::Ok(n)) = this.next().await {
            sum += n;
        }
        sum
    }
    async fn inner(&self) -> ::core::result::Result<renamed::Scoped<dyn Inner>, ::std::string::String> {
        ::core::result::Result::Err(::std::string::String::new())
    }
}

fn main() {
    let _ = Desk;
    let _ = CalcProxy::<renamed::Peer>::count;
}
