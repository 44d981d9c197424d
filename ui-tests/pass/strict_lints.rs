// Expansions pass strict lints.
//! Required by `missing_docs`.

#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unnameable_types,
    unused_qualifications,
    elided_lifetimes_in_paths,
    single_use_lifetimes,
    unused_lifetimes,
    trivial_bounds,
    let_underscore_drop,
    unused_results
)]

mod private {
    use wswrapper::{Context, ws_handlers, ws_service};

    /// A service that is never called.
    #[ws_service(channel = "calc")]
    pub(crate) trait Calc {
        /// Adds two numbers.
        async fn add(&self, a: i64, b: i64) -> i64;
        /// Halves a number.
        #[deprecated(note = "use `add`")]
        async fn halve(&self, a: i64) -> std::io::Result<i64>;
        /// Writes a line.
        #[ws(event)]
        async fn log(&self, line: String, text: &str, bytes: &[u8]);
        /// Has a body.
        async fn body(&self, context: Context) -> Result<i64, std::io::Error> {
            drop(context);
            Ok(self.add(1, 2).await)
        }
    }

    #[derive(Debug)]
    pub(crate) struct Desk;

    #[ws_handlers(channel = "calc")]
    impl Calc for Desk {
        async fn add(&self, a: i64, b: i64) -> i64 {
            a + b
        }
        async fn halve(&self, a: i64) -> std::io::Result<i64> {
            Ok(a / 2)
        }
        async fn log(&self, line: String, text: &str, bytes: &[u8]) {
            drop((line, text.len(), bytes.len()));
        }
    }

    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    struct Hidden;

    #[derive(Debug)]
    pub(crate) struct Plain;

    #[ws_handlers(channel = "plain")]
    impl Plain {
        #[ws(handler)]
        async fn hidden(&self, hidden: Hidden) -> Hidden {
            hidden
        }
    }
}

fn main() {
    drop(
        wswrapper::Server::builder()
            .service(private::Desk)
            .service(private::Plain),
    );
}
