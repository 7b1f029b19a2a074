//! What this package takes from whatever runs the code under test: loom, shuttle or the standard library, in the order in
//! which `viewchan::sync` chooses.
//!
//! Threads of a scenario, and the strategies with flaws, use these names and no others.

#[cfg(feature = "loom")]
pub(crate) use loom::{cell::UnsafeCell, lazy_static, sync, thread, thread_local};

#[cfg(not(feature = "loom"))]
pub(crate) use cell::UnsafeCell;
#[cfg(all(feature = "shuttle", not(feature = "loom")))]
pub(crate) use shuttle::{lazy_static, sync, thread, thread_local};

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
pub(crate) use lazy::lazy_static;
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
pub(crate) use std::{sync, thread, thread_local};

#[cfg(not(feature = "loom"))]
mod cell {
    /// Loom's interface on a plain cell: nobody checks.
    #[derive(Default)]
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        pub(crate) fn with_mut<U>(&self, access: impl FnOnce(*mut T) -> U) -> U {
            access(self.0.get())
        }

        pub(crate) fn into_inner(self) -> T {
            self.0.into_inner()
        }
    }
}

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
mod lazy {
    /// The macro that loom and shuttle have under this name, whose values are new in each execution. Here they are the
    /// process's.
    macro_rules! lazy_static {
        (static ref $name:ident: $type:ty = $value:expr;) => {
            static $name: std::sync::LazyLock<$type> = std::sync::LazyLock::new(|| $value);
        };
    }

    pub(crate) use lazy_static;
}
