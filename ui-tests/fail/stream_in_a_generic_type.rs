use wswrapper::{Stream, ws_service};

struct Tree<T>(T);

#[ws_service]
trait Numbers {
    async fn count(&self) -> Tree<impl Stream<Item = u32> + Send>;
}

fn main() {
    let _ = Tree(1).0;
}
