//! A desk whose callers log in, have roles, and may not call too often.
//!
//! Run `cargo run --example guarded`. It prints what two users may do, and what is kept from them.

mod arguments;

use std::error::Error;
use std::time::{Duration, SystemTime};
use wswrapper::server::FirstMessage;
use wswrapper::service::layer::{self, GuardCall, LayerCall, Next, Reply};
use wswrapper::{Client, Context, Server, transport::memory, ws_handlers, ws_service};

/// A user, who is stored with the connection after the login.
#[derive(Clone)]
struct User {
    name: String,
    is_admin: bool,
}

/// Lets only administrators pass.
fn admin(call: &GuardCall<'_>) -> Result<(), String> {
    match call.extension::<User>() {
        Some(User { is_admin: true, .. }) => Ok(()),
        Some(User { name, .. }) => Err(format!("{name} is no administrator")),
        None => Err("nobody is logged in".to_owned()),
    }
}

#[ws_service]
trait Desk {
    async fn login(&self, ctx: Context, name: String, password: String) -> Result<(), String>;
    async fn read(&self, page: u32) -> String;
    #[ws(guard = admin)]
    async fn delete(&self, page: u32) -> String;
}

struct Office;

#[ws_handlers]
impl Desk for Office {
    async fn login(&self, ctx: Context, name: String, password: String) -> Result<(), String> {
        if password != "secret" {
            return Err("the password is wrong".to_owned());
        }
        ctx.extensions().insert(User { is_admin: name == "Ada", name: name.clone() });
        ctx.peer().authenticated_until(name, SystemTime::now() + Duration::from_secs(3600));
        Ok(())
    }

    async fn read(&self, page: u32) -> String {
        format!("page {page}")
    }

    async fn delete(&self, page: u32) -> String {
        format!("page {page} is gone")
    }
}

/// Prints how each call ends.
async fn print_calls(call: LayerCall, next: Next) -> Reply {
    let event = call.event().to_owned();
    let reply = next.run(call).await;
    println!("  the server: {event} ended as {:?}", reply.outcome());
    reply
}

fn server() -> Result<Server, Box<dyn Error>> {
    let server = Server::builder()
        .layer(print_calls)
        .first_message(FirstMessage::request("login"))
        // At most seven calls a minute on each connection. A login counts, too.
        .guard(layer::rate(7, Duration::from_secs(60), |call: &GuardCall<'_>| call.peer_id()))
        .layer(layer::timeout(Duration::from_secs(10)))
        .layer(layer::fallback(|call: LayerCall| async move {
            Reply::value(&format!("there is no `{}` here", call.event()))
        }))
        .service(Office);
    Ok(server.build()?)
}

/// Prints the result of a call.
fn print<T: std::fmt::Debug, E: std::fmt::Display>(call: &str, result: Result<T, E>) {
    match result {
        Ok(value) => println!("{call}: {value:?}"),
        Err(error) => println!("{call}: rejected, {error}"),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    arguments::none();
    let server = server()?;
    for name in ["Bob", "Ada"] {
        let (near, far) = memory::pair();
        server.accept_transport(far)?;
        let client = Client::connect_transport(near)?;
        let desk = DeskProxy::new(&client);
        print("read before the login", desk.read(1).await);
        print("login with a wrong password", desk.login(name.to_owned(), "guess".to_owned()).await);
        print(&format!("login as {name}"), desk.login(name.to_owned(), "secret".to_owned()).await);
        print("read", desk.read(1).await);
        print("delete", desk.delete(1).await);
        print("an unknown call", client.request::<String>("shred", ()).await);
        for page in 2..5 {
            print("read", desk.read(page).await);
        }
        client.stop(Duration::from_secs(1)).await;
    }
    Ok(())
}
