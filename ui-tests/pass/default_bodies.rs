// A method with a default body is served too, and can be overridden.

use wswrapper::{ws_handlers, ws_service};

#[ws_service]
trait Greeter: Send + Sync {
    fn name(&self) -> String {
        String::from("you")
    }
    async fn greet(&self, mut greeting: String, times: &str) -> Result<String, String> {
        let times: usize = times.parse().map_err(|error| format!("{error}"))?;
        greeting.push_str(&self.name());
        if times == 0 {
            return Err("never".to_owned());
        }
        Ok(greeting.repeat(times))
    }
    #[ws(event)]
    async fn log(&self, line: String) {
        let _ = line;
    }
}

struct Desk;

#[ws_handlers]
impl Greeter for Desk {
    fn name(&self) -> String {
        String::from("me")
    }
}

fn main() {
    let _ = wswrapper::Server::builder().service(Desk);
}
