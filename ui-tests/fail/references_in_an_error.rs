use wswrapper::WsError;

#[derive(Debug, thiserror::Error, WsError)]
enum CalcError<'a> {
    #[error("busy: {0}")]
    Busy(&'static str),
    #[error("no {name}")]
    Unknown { name: &'a str },
    #[error("one of {0:?}")]
    Several(Vec<&'a str>),
    #[error("not sent: {0}")]
    #[ws(internal)]
    Internal(&'static str),
}

fn main() {}
