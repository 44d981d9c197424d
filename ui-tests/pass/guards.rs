//! Guards by any path, on contracts and on plain blocks.

#![deny(warnings)]

use wswrapper::error::Rejection;
use wswrapper::service::layer::{Guard, GuardCall, require};
use wswrapper::{Context, Scoped, Stream, Upload, ws_handlers, ws_service};

mod rules {
    use super::GuardCall;

    pub fn open(_: &GuardCall<'_>) -> Result<(), &'static str> {
        Ok(())
    }

    pub fn role<T: 'static, const LEVEL: u8>(_: &GuardCall<'_>) -> Result<(), String> {
        Ok(())
    }
}

trait Rights<T> {
    fn check(call: &GuardCall<'_>) -> Result<(), Rejection>
    where
        Self: Sized;
}

impl<T> Rights<T> for Desk {
    fn check(call: &GuardCall<'_>) -> Result<(), Rejection> {
        require::<String>().check(call)
    }
}

/// The names of a guard and of a local variable of the expansion.
fn methods(_: &GuardCall<'_>) -> Result<(), String> {
    Ok(())
}

fn call(_: &GuardCall<'_>) -> Result<(), String> {
    Ok(())
}

#[ws_service(channel = "calc", guard = rules::open, guard = "crate::rules::role::<Desk, 2>")]
trait Calc: Rights<fn(u8) -> u8> {
    #[ws(guard = methods, guard = call, guard = rules::role::<fn(u8) -> u8, 3>, spawn)]
    async fn add(&self, context: Context, a: i64) -> i64;
    #[ws(guard = <Self as Rights<fn(u8) -> u8>>::check, event)]
    #[ws(guard = <Desk as Rights<u8>>::check)]
    async fn log(&self, call: &str);
    #[cfg(any())]
    #[ws(guard = missing::guard)]
    async fn missing(&self);
    #[cfg(all())]
    #[ws(guard = self::call)]
    async fn there(&self) -> Result<impl Stream<Item = u8> + Send, String>;
    async fn sum(&self, numbers: Upload<i64>) -> i64;
    async fn inner(&self) -> Scoped<dyn Inner>;
    #[ws(guard = call, blocking)]
    fn by_default(&self) {}
}

#[ws_service(guard = ::core::convert::identity::<fn(&GuardCall<'_>) -> Result<(), String>>)]
#[cfg(any())]
trait Never {}

#[ws_service(guard = call)]
trait Inner {
    fn ten(&self) -> u8;
}

struct Desk;

#[ws_handlers]
impl Calc for Desk {
    async fn add(&self, _context: Context, a: i64) -> i64 {
        a
    }
    async fn log(&self, _call: &str) {}
    async fn there(&self) -> Result<impl Stream<Item = u8> + Send, String> {
        Ok(futures_util::stream::empty())
    }
    async fn sum(&self, _numbers: Upload<i64>) -> i64 {
        0
    }
    async fn inner(&self) -> Scoped<dyn Inner> {
        Scoped::new(Desk)
    }
}

#[ws_handlers]
impl Inner for Desk {
    fn ten(&self) -> u8 {
        10
    }
}

struct Plain;

#[ws_handlers(guard = Self::open, channel = "plain")]
impl Plain {
    /// Is a handler because of its attribute.
    #[ws(guard = "Plain::open")]
    fn add(&self) {}

    #[ws(skip)]
    fn open(_: &GuardCall<'_>) -> Result<(), Rejection> {
        Ok(())
    }
}

macro_rules! guarded {
    ($type:ident, $path:path, $name:ident, $expr:expr) => {
        struct $type;

        #[ws_handlers(channel = "macro", guard = $path)]
        impl $type {
            #[ws(guard = $name, guard = $expr)]
            pub fn add(&self) {}
        }
    };
}

guarded!(ByMacro, rules::role::<Desk, 1>, call, rules::open);

fn main() {
    let _ = wswrapper::Server::builder().service_as::<dyn Calc>(Desk).service(Plain).service(ByMacro);
}
