//! The one facade: every lock, condition, atomic and cell of this crate comes from here.
//!
//! Three backends offer the same names: `std` (parking_lot and the standard library) and, under the features `loom` and
//! `shuttle`, the models that these tools have of them; with both features, loom's. The protocol above is the same source
//! for all, without a `cfg`. [`BACKEND`] says which one is in.

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
#[path = "std.rs"]
mod backend;
#[cfg(any(feature = "loom", feature = "shuttle"))]
#[path = "checker.rs"]
mod backend;

mod cell;
pub mod epoch;
mod identity;
pub mod site;

pub(crate) use backend::{AtomicUsize, Condvar, ConstPtr, Mutex, RawLock, Tracked, UnsafeCell, per_thread};
pub use backend::{BACKEND, Deadline};
#[cfg(feature = "loom")]
pub use backend::{LOADS_AS_RMW, MODEL_UNWINDS};
pub(crate) use crossbeam_utils::CachePadded;
pub(crate) use identity::{Shared, Tally, WeakShared, fresh_id};
