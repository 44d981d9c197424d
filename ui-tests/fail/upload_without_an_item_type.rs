use wswrapper::{Upload, ws_service};

// The macro leaves this to rustc, because `Upload` may be a type of the user.
#[ws_service]
trait Numbers {
    async fn sum(&self, numbers: Upload) -> i64;
    async fn product(&self, numbers: Upload<i64, String, u8>) -> i64;
}

#[ws_service(channel = "any")]
trait Any {
    async fn any(&self, numbers: Upload<impl Clone>) -> i64;
}

fn main() {}
