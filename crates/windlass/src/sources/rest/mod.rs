//! REST APIs: requests, pages and the resources that depend on each other.

pub mod http;
pub mod paginate;
pub mod select;

mod actions;
mod client;
mod decode;
mod parts;
mod position;
mod problem;
mod repeats;
mod split;

pub mod pages;

pub use client::{Paginate, RestClient};

#[cfg(test)]
mod tests;
