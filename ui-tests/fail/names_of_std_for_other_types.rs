use wswrapper::{Stream, Upload, error::Rejection, ws_service};

mod own {
    #[derive(serde::Serialize, serde::Deserialize)]
    pub struct Result<T>(pub T);

    pub type Swapped<E, T> = std::result::Result<T, E>;
}

use own::Swapped as Flipped;

mod swapped {
    pub use super::own::Swapped as Result;
}

#[ws_service]
trait Files {
    async fn read(&self) -> own::Result<String>;
    async fn lines(&self) -> impl Stream<Item = own::Result<String>> + Send;
    async fn write(&self, text: Upload<String>) -> own::Result<u64>;
    async fn size(&self) -> swapped::Result<Rejection, u64>;
    async fn flipped(&self) -> Flipped<Rejection, u64>;
}

fn main() {}
