//! Calls in both directions: before it responds to a client, the server calls that client and sends an event to all.
//!
//! Run `cargo run --example both_ways`. Two clients order something and print every call and event that they receive.

mod arguments;

use wswrapper::{Client, Context, Server, ws_handlers, ws_service};

/// Served by the server.
#[ws_service(channel = "shop")]
trait Shop {
    /// Orders `item`. The server asks the client for a confirmation first.
    async fn order(&self, ctx: Context, item: String) -> Result<String, String>;
}

/// Served by each client.
#[ws_service(channel = "customer")]
trait Customer {
    /// Returns true if the customer confirms.
    async fn confirm(&self, question: String) -> bool;
    /// Notifies the customer that `item` was sold.
    #[ws(event)]
    async fn sold(&self, item: String);
}

struct ShopService;

#[ws_handlers]
impl Shop for ShopService {
    async fn order(&self, ctx: Context, item: String) -> Result<String, String> {
        // The context names the calling client. A proxy calls it as a client calls a server.
        let customer = CustomerProxy::new(ctx.peer());
        let confirmed = customer.confirm(format!("one {item}, really?")).await.map_err(|error| error.to_string())?;
        if !confirmed {
            return Err(format!("no {item}, then"));
        }
        // The event goes to all clients and is encoded once.
        let delivery = CustomerProxy::new(ctx.broadcast()).sold(&item).await.map_err(|error| error.to_string())?;
        Ok(format!("one {item}, and {} customers know", delivery.sent))
    }
}

struct Buyer {
    name: &'static str,
    wants: &'static str,
}

#[ws_handlers]
impl Customer for Buyer {
    async fn confirm(&self, question: String) -> bool {
        let yes = question.contains(self.wants);
        println!("{} is asked: {question} {}", self.name, if yes { "yes" } else { "no" });
        yes
    }

    async fn sold(&self, item: String) {
        println!("{} hears that one {item} was sold", self.name);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    arguments::none();
    let listener = Server::builder().service(ShopService).bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", listener.local_addr());
    let server = listener.server().clone();
    tokio::spawn(listener.serve());

    let ada = Client::builder().service(Buyer { name: "Ada", wants: "lamp" }).connect(&url).await?;
    let bob = Client::builder().service(Buyer { name: "Bob", wants: "chair" }).connect(&url).await?;

    if let Err(error) = ShopProxy::new(&bob).order("table").await {
        println!("Bob gets: {error}");
    }
    println!("Ada gets: {}", ShopProxy::new(&ada).order("lamp").await?);

    server.close();
    server.closed().await;
    Ok(())
}
