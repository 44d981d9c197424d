use wswrapper::WsError;

#[derive(Debug, thiserror::Error, WsError)]
enum CalcError {
    #[error("too large")]
    #[ws(code = "ws:TooLarge")]
    TooLarge,
    #[error("unknown")]
    #[ws(internal, code = "ws:Internal")]
    Internal(std::io::Error),
    #[error("fine")]
    #[ws(code = "wsX")]
    Fine,
    #[error("fine, too")]
    #[ws(code = "WS:TooLarge")]
    AlsoFine,
}

#[derive(Debug, thiserror::Error, WsError)]
#[error("busy")]
#[ws(code = "ws:")]
struct Busy;

fn main() {}
