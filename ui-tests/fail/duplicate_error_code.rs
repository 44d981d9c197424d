use wswrapper::WsError;

#[derive(Debug, thiserror::Error, WsError)]
enum CalcError {
    #[error("busy")]
    Busy,
    #[error("very busy")]
    #[ws(code = "Busy")]
    VeryBusy,
    #[error("unknown")]
    #[ws(internal)]
    #[ws(code = "Busy")]
    Internal(std::io::Error),
}

fn main() {}
