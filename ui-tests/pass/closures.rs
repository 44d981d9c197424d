use serde::Serialize;
use wswrapper::{Context, Server, error::{NameError, Rejection}, service::Json};

#[derive(Serialize)]
struct Custom;

fn main() -> Result<(), NameError> {
    let server = Server::builder().build().unwrap();
    server.on("none", || async {})?;
    server.on("plain", |a: i64, b: Option<String>| async move { (a, b) })?;
    server.on("result", |a: i64| async move { if a > 0 { Ok(a) } else { Err("too small") } })?;
    server.on("string_result", |a: String| async move { Ok::<String, String>(a) })?;
    server.on("json", || async { Json(Custom) })?;
    server.on("ok", || async { Ok::<_, Rejection>(Custom) })?;
    server.once("context", |ctx: Context, a: i64| async move { (ctx.peer_id().get(), a) })?;
    async fn named(a: i64) -> i64 {
        a
    }
    server.channel("io").on("named", named)?;
    Ok(())
}
