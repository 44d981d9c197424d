//! The smallest service, with its server and a client in one program.
//!
//! Run `cargo run --example echo`. The client calls `echo` once and prints the result.

mod arguments;

use wswrapper::{Client, Server, ws_handlers};

struct Echo;

#[ws_handlers]
impl Echo {
    /// Returns its argument.
    pub fn echo(&self, text: String) -> String {
        text
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    arguments::none();
    // Port 0 stands for any free port.
    let listener = Server::builder().service(Echo).bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", listener.local_addr());
    let server = listener.server().clone();
    let serving = tokio::spawn(listener.serve());

    let client = Client::connect(&url).await?;
    println!("{url} answers: {}", EchoProxy::new(&client).echo("hello").await?);

    client.close(1000, "");
    client.closed().await;
    server.close();
    server.closed().await;
    serving.await??;
    Ok(())
}
