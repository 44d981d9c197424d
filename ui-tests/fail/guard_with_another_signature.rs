use wswrapper::service::layer::{GuardCall, LayerCall};
use wswrapper::{ws_handlers, ws_service};

#[ws_service(guard = of_contract)]
trait Calc {
    #[ws(guard = by_value)]
    async fn add(&self);
    #[ws(guard = says_bool)]
    async fn sub(&self);
    #[ws(guard = later)]
    async fn mul(&self);
    #[ws(guard = opaque)]
    async fn div(&self);
    #[ws(guard = missing)]
    async fn rest(&self);
    #[ws(guard = of_a_layer)]
    async fn half(&self);
    #[ws(guard = "rules::of_a_string")]
    async fn third(&self);
}

struct Desk;

#[ws_handlers(guard = no_argument)]
impl Desk {
    #[ws(guard = Desk)]
    fn add(&self) {}
    #[ws(guard = Self::rule)]
    fn sub(&self) {}
    #[ws(skip)]
    fn rule(&self, _: &GuardCall<'_>) -> Result<(), String> {
        Ok(())
    }
}

mod rules {
    pub fn of_a_string(_: &str) -> Result<(), String> {
        Ok(())
    }
}

struct Opaque;

fn of_contract(_: u32) -> Result<(), String> {
    Ok(())
}

fn no_argument() -> Result<(), String> {
    Ok(())
}

fn by_value(_: GuardCall<'_>) -> Result<(), String> {
    Ok(())
}

fn says_bool(_: &GuardCall<'_>) -> bool {
    true
}

async fn later(_: &GuardCall<'_>) -> Result<(), String> {
    Ok(())
}

fn opaque(_: &GuardCall<'_>) -> Result<(), Opaque> {
    Err(Opaque)
}

fn of_a_layer(_: &LayerCall) -> Result<(), String> {
    Ok(())
}

fn main() {}
