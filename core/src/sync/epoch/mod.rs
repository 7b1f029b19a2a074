//! Reclamation by epochs: the few operations that the protocol uses of it, and what it trusts them for.
//!
//! | operation | promise |
//! | --- | --- |
//! | `LocalHandle::pin` | a guard; everything swapped out before, and deferred, has been left to guards from before |
//! | `Atomic::load`, `Atomic::swap` | one atomic pointer; each access names its [site](super::site) |
//! | `Guard::defer` | the function runs once, on some thread, after every guard that is active now is gone |
//! | `Guard::unpin` | everything done under the guard happens before the functions that waited for it |
//! | drop of the last part | every function that has not run runs then |
//!
//! Parts of a collector are its clones, its handles and their guards. `std` is crossbeam-epoch, which runs a function when
//! it comes to it: at a later pin, `LocalHandle::reclaim`, or the drop of the last part. `checker` is a small model that
//! runs it as early as the promise allows, which is when a use after that would show.

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
#[path = "std.rs"]
mod backend;
#[cfg(any(feature = "loom", feature = "shuttle"))]
#[path = "checker.rs"]
mod backend;

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
pub(crate) use backend::{Atomic, Collector, Guard, LocalHandle};
#[cfg(any(feature = "loom", feature = "shuttle"))]
pub use backend::{Atomic, Collector, Guard, LocalHandle};
