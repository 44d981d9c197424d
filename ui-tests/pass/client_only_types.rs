// A contract for clients alone needs `Serialize` only for arguments, and `Deserialize` only for results.

use serde::{Deserialize, Serialize};
use wswrapper::{CallError, Peer, Stream, Upload, WsError, ws_service};

#[derive(Serialize)]
struct Question {
    text: String,
}

#[derive(Deserialize)]
struct Reply {
    text: String,
}

#[derive(Debug, thiserror::Error, WsError)]
enum NoAnswer {
    #[error("ask again later")]
    Later,
}

#[ws_service(channel = "oracle", client)]
trait Oracle {
    async fn ask(&self, question: Question) -> Reply;
    async fn dare(&self, question: Question) -> Result<Reply, NoAnswer>;
    async fn all(&self, questions: Vec<Question>) -> Vec<Reply>;
    async fn stream(&self, question: Question) -> impl Stream<Item = Reply> + Send;
    async fn many(&self, questions: Upload<Question>) -> Reply;
    #[ws(event)]
    async fn tell(&self, question: Question);
}

async fn ask(peer: &Peer) -> Result<String, CallError<NoAnswer>> {
    let oracle = OracleProxy::new(peer);
    let text = || "why".to_owned();
    let reply = oracle.dare(Question { text: text() }).await?;
    let mut replies = oracle.stream(Question { text: text() }).await.expect("a stream");
    while let Some(reply) = replies.next().await {
        reply.expect("a reply").text.clear();
    }
    let _ = oracle.ask(Question { text: text() }).await.expect("a reply").text;
    let _ = oracle.all(vec![Question { text: text() }]).await.expect("replies");
    oracle.tell(Question { text: text() }).await?;
    Ok(reply.text)
}

fn main() {
    let _ = ask;
}
