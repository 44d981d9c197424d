use wswrapper::WsError;

#[derive(Debug, thiserror::Error, WsError)]
enum CalcError {
    #[error("busy")]
    Busy {
        #[ws(code = "why")]
        why: String,
    },
}

fn main() {}
