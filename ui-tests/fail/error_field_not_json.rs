use wswrapper::WsError;

#[derive(Debug)]
struct NotJson;

#[derive(Debug, thiserror::Error, WsError)]
enum CalcError {
    #[error("busy")]
    Busy { why: NotJson },
}

#[derive(Debug, thiserror::Error, WsError)]
#[error("wrong")]
struct Wrong(NotJson);

fn main() {}
