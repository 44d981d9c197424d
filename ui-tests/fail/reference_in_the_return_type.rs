use std::borrow::Cow;
use std::collections::BTreeMap;

use wswrapper::{ws_handlers, ws_service};

#[ws_service]
trait Calc {
    async fn name(&self) -> &str;
    async fn literal(&self) -> &'static str;
    async fn either(&self) -> Result<&'static str, &'static str>;
    async fn refused(&self) -> Result<u32, &str>;
    fn pair(&self) -> (&'static str, u32);
    fn all(&self) -> BTreeMap<u32, &'static str>;
    fn hidden(&self) -> Option<Cow<'_, str>>;
}

struct Desk(String);

#[ws_handlers(channel = "desk")]
impl Desk {
    pub fn name(&self) -> &str {
        &self.0
    }
    pub fn literal(&self) -> &'static str {
        "a"
    }
}

fn main() {
    let _ = Desk;
}
