use wswrapper::WsError;

#[derive(Debug, WsError)]
enum CalcError {
    DivisionByZero,
}

fn main() {
    let _ = CalcError::DivisionByZero;
}
