//! Buffers that come home together: nodes of one owner, linked to each other.

use crate::counted::{Place, Sole, content_at};
use crate::runtime::Runtime;
use crate::sync::UnsafeCell;
use core::ptr::{self, NonNull};

/// What a block carries, be it a node or that of a view: all that is needed to give a buffer back.
pub(crate) struct Due<R: Runtime> {
    pub(crate) owner: R,
    pub(crate) export: R::Export,
    /// The address of the node below, on a list or in a chain. Written by whoever has this one to himself.
    below: UnsafeCell<usize>,
}

// SAFETY: `below` is written by the one who has the node to himself, and read by those who found it on the list.
unsafe impl<R: Runtime> Sync for Due<R> {}

impl<R: Runtime> Due<R> {
    pub(crate) fn new(owner: R, export: R::Export) -> Self {
        Self { owner, export, below: UnsafeCell::new(0) }
    }
}

/// Nodes of one owner, which belong to whoever has this. It has no drop: it is pushed.
pub(crate) struct Chain<R: Runtime> {
    top: Place<Due<R>>,
    bottom: Place<Due<R>>,
    len: usize,
}

// SAFETY: whoever has the chain has its nodes alone, which are `Send`.
unsafe impl<R: Runtime> Send for Chain<R> {}

impl<R: Runtime> Chain<R> {
    /// A chain of one.
    #[inline]
    pub(crate) fn new(due: Sole<Due<R>>) -> Self {
        let node = due.into_raw();
        Self { top: node, bottom: node, len: 1 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whose buffers they are.
    #[inline]
    pub(super) fn owner(&self) -> &R {
        // SAFETY: the node is this chain's.
        &unsafe { content_at(self.top) }.owner
    }

    /// The address of the node on top.
    #[inline]
    pub(super) fn address(&self) -> usize {
        self.top.as_ptr().expose_provenance()
    }

    /// Says what the lowest node is put on.
    pub(super) fn put_on(&self, below: usize) {
        // SAFETY: the node is this chain's.
        unsafe { set_below(self.bottom, below) }
    }

    /// One more on top, of the same owner.
    pub(super) fn add(&mut self, due: Sole<Due<R>>) {
        let node = due.into_raw();
        // SAFETY: the node is this chain's from here on.
        unsafe { set_below(node, self.address()) }
        self.top = node;
        self.len += 1;
    }
}

/// The node at an address without tags; none at 0.
pub(super) fn place<R: Runtime>(address: usize) -> Option<Place<Due<R>>> {
    NonNull::new(ptr::with_exposed_provenance_mut(address))
}

/// What is below a node.
///
/// # Safety
///
/// The node is the calling thread's, or on a list from which only that thread takes.
pub(super) unsafe fn below<R: Runtime>(node: Place<Due<R>>) -> usize {
    // SAFETY: the node is there: nobody else takes it away.
    unsafe { content_at(node) }.below.with(|below| {
        // SAFETY: written before it came on the list; nobody writes to it while it is there.
        unsafe { *below }
    })
}

/// Says what is below a node.
///
/// # Safety
///
/// The node is the calling thread's.
unsafe fn set_below<R: Runtime>(node: Place<Due<R>>, address: usize) {
    // SAFETY: the node is there, as the caller says.
    unsafe { content_at(node) }.below.with_mut(|below| {
        // SAFETY: nobody else looks at it.
        unsafe { *below = address }
    });
}
