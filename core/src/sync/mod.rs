//! The one facade: every lock, condition, atomic and cell of this crate comes from here.
//!
//! Two backends offer the same names: `std` (parking_lot and the standard library) and, under the feature `loom`, loom's
//! models of them. The protocol above is the same source for both, without a `cfg`. [`BACKEND`] says which one is in.

#[cfg(not(feature = "loom"))]
#[path = "std.rs"]
mod backend;
#[cfg(feature = "loom")]
#[path = "loom.rs"]
mod backend;

mod cell;
pub mod epoch;
mod identity;
pub mod site;

pub(crate) use backend::{AtomicUsize, Condvar, ConstPtr, Mutex, RawLock, Tracked, UnsafeCell, thread_local};
pub use backend::{BACKEND, Deadline};
#[cfg(feature = "loom")]
pub use backend::{LOADS_AS_RMW, MODEL_UNWINDS};
pub(crate) use identity::{Shared, Tally, WeakShared, fresh_id};
