//! Loom's interface on a plain cell and a plain value, for backends that check neither accesses nor leaks.
#![cfg_attr(feature = "loom", allow(dead_code))]

use core::marker::PhantomData;

/// A cell accessed by raw pointers inside closures, as in loom; no check is made.
pub(crate) struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(core::cell::UnsafeCell::new(value))
    }

    /// Reads through the pointer.
    #[inline]
    pub(crate) fn with<U>(&self, access: impl FnOnce(*const T) -> U) -> U {
        access(self.0.get())
    }

    /// Reads and writes through the pointer.
    #[inline]
    pub(crate) fn with_mut<U>(&self, access: impl FnOnce(*mut T) -> U) -> U {
        access(self.0.get())
    }

    /// Announces a read that lasts until the result is dropped.
    #[inline]
    pub(crate) fn get(&self) -> ConstPtr<T> {
        ConstPtr(PhantomData)
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

/// An announced read. Costs nothing; under loom it forbids writes while it lives.
pub(crate) struct ConstPtr<T>(PhantomData<*const T>);

impl<T> Drop for ConstPtr<T> {
    /// Nothing. It is here so that dropping one says the same in every backend: the read is over.
    #[inline]
    fn drop(&mut self) {}
}

/// A value whose leak loom would report. Here: just the value.
pub(crate) struct Tracked<T>(T);

impl<T> Tracked<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(value)
    }

    pub(crate) fn into_inner(self) -> T {
        self.0
    }
}

impl<T> core::ops::Deref for Tracked<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}
