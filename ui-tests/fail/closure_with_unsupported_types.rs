use wswrapper::Server;

struct NotJson;

#[derive(serde::Serialize)]
struct Custom;

fn main() {
    let server = Server::builder().build().unwrap();
    let _ = server.on("not_async", |a: i64| a);
    let _ = server.on("argument", |_: NotJson| async move {});
    let _ = server.on("result", |_: i64| async move { Custom });
    let _ = server.on("error", |_: i64| async move { Err::<i64, _>(NotJson) });
}
