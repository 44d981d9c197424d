use wswrapper::WsError;

#[derive(Debug, thiserror::Error, WsError)]
enum FileError {
    #[error("storage")]
    Storage(#[from] std::io::Error),
    #[error("number")]
    Number {
        #[source]
        source: std::num::ParseIntError,
    },
    #[error("hidden")]
    #[ws(internal)]
    Hidden(#[from] std::fmt::Error),
}

fn main() {}
