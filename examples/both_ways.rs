//! Both ends serve and both ends call: the server asks the client back before it answers, and tells everyone.

mod arguments;

use wswrapper::{Client, Context, Server, ws_handlers, ws_service};

/// What the server does for its clients.
#[ws_service(channel = "shop")]
trait Shop {
    /// Orders something; the client is asked to confirm it.
    async fn order(&self, ctx: Context, item: String) -> Result<String, String>;
}

/// What a client does for the server.
#[ws_service(channel = "customer")]
trait Customer {
    /// Whether this is really wanted.
    async fn confirm(&self, question: String) -> bool;
    /// Something was sold to somebody.
    #[ws(event)]
    async fn sold(&self, item: String);
}

struct ShopService;

#[ws_handlers]
impl Shop for ShopService {
    async fn order(&self, ctx: Context, item: String) -> Result<String, String> {
        // The caller is the peer of this call: it is called with the same kind of proxy.
        let customer = CustomerProxy::new(ctx.peer());
        let confirmed = customer.confirm(format!("one {item}, really?")).await.map_err(|error| error.to_string())?;
        if !confirmed {
            return Err(format!("no {item}, then"));
        }
        // Everyone hears of it; a broadcast is encoded once.
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
    let listening = Server::builder().service(ShopService).bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", listening.local_addr());
    let server = listening.server();
    tokio::spawn(listening.serve());

    let ada = Client::builder().service(Buyer { name: "Ada", wants: "lamp" }).connect(&url).await?;
    let bob = Client::builder().service(Buyer { name: "Bob", wants: "chair" }).connect(&url).await?;

    if let Err(error) = ShopProxy::new(&bob).order("table").await {
        println!("Bob gets: {error}");
    }
    println!("Ada gets: {}", ShopProxy::new(&ada).order("lamp").await?);

    server.close().await;
    Ok(())
}
