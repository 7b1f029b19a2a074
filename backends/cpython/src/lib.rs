//! viewchan under real CPython interpreters: the extension module `viewchan._viewchan`.
//!
//! | module | what |
//! | --- | --- |
//! | [`runtime`] | CPython's interpreters as a `viewchan::Runtime` |
//! | [`strategy`] | a channel's strategy, chosen by name |
//! | [`storage`] | memory that belongs to no interpreter |
//! | `py` | the C API, with Rust's manners |
//! | `face` | what Python sees: ends, views, buffers, functions |
//!
//! The protocol is in the crate `viewchan`, and nowhere here.

#![allow(
    clippy::multiple_unsafe_ops_per_block,
    reason = "a call of the C API takes several operations: its SAFETY comment goes through them"
)]

mod face;
mod py;
pub mod runtime;
pub mod storage;
pub mod strategy;
