//! REST APIs: requests, pages and the resources that depend on each other.

pub mod http;
