use serde::{Deserialize, Serialize};
use wswrapper::{Stream, Upload, ws_handlers, ws_service};

struct Row;

#[derive(Serialize, Deserialize)]
struct Page<T> {
    rows: Vec<T>,
}

#[ws_service]
trait Table {
    async fn put(&self, page: Page<Row>, first: Option<Row>);
    async fn page(&self) -> Page<Row>;
    async fn pair(&self) -> Result<(i64, Row), String>;
    async fn read(&self) -> std::io::Result<Vec<Row>>;
    #[ws(blocking)]
    fn sorted(&self) -> Vec<Row>;
    async fn insert(&self, rows: Upload<(Row, i64)>) -> Option<Row>;
    async fn pages(&self) -> impl Stream<Item = Page<Row>> + Send;
}

struct Desk;

#[ws_handlers]
impl Desk {
    pub fn rows(&self) -> [Row; 1] {
        [Row]
    }
}

fn main() {
    let _ = Desk;
}
