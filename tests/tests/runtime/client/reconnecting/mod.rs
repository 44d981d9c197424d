//! Clients that connect again.

mod closes;
mod requests;
mod states;
