use wswrapper::ws_service;

#[ws_service]
trait Files {
    async fn read(&self) -> anyhow::Result<String>;
    async fn write(&self, text: String) -> Result<(), anyhow::Error>;
}

fn main() {}
