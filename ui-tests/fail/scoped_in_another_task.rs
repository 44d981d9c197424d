use wswrapper::{AnonymousChannel, Context, Scoped, Upload, ws_service};

#[ws_service(channel = "calc")]
trait Calculator {
    async fn add(&self, n: i64) -> i64;
}

#[ws_service]
trait Desk {
    #[ws(spawn)]
    async fn calculator(&self) -> Scoped<dyn Calculator>;
    #[ws(blocking)]
    fn locked(&self, context: Context) -> Result<AnonymousChannel, String>;
    async fn sum(&self, numbers: Upload<i64>) -> Scoped<dyn Calculator>;
}

fn main() {}
