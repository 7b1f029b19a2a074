//! Something shared by a number of clones: what most pins are made of.
//!
//! Like an `Arc`, but whoever drops the last clone gets the content back, block and all, and decides what becomes of it.

use crate::sync::site::{COUNT_LOOK, PROXY_JOIN, VIEW_CLONE, VIEW_DROP, VIEW_LAST, VIEW_SOLE};
use crate::sync::{AtomicUsize, Tracked};
use crate::trace::{self, Event};
use core::mem::{ManuallyDrop, MaybeUninit};
use core::ptr::NonNull;

/// Content with the count of those who share it.
pub(crate) struct Block<C> {
    clones: AtomicUsize,
    content: C,
}

/// A block that belongs to one alone: nobody shares it yet, or any more. No box: a [`Note`] may still look at its count.
pub(crate) struct Sole<C> {
    block: Place<C>,
}

// SAFETY: whoever has it has the content alone.
unsafe impl<C: Send> Send for Sole<C> {}
// SAFETY: shared access gives shared access to the content.
unsafe impl<C: Sync> Sync for Sole<C> {}

impl<C> Sole<C> {
    /// Allocates a block.
    pub(crate) fn new(content: C) -> Self {
        Self::new_in(None, content)
    }

    /// Makes a block in memory that there is, or allocates it.
    pub(crate) fn new_in(vacant: Option<Vacant<C>>, content: C) -> Self {
        let memory = vacant.map_or_else(Box::new_uninit, |vacant| vacant.0);
        let block = Box::write(memory, Tracked::new(Block { clones: AtomicUsize::new(1), content }));
        Self { block: NonNull::from(Box::leak(block)) }
    }

    pub(crate) fn content(&self) -> &C {
        // SAFETY: the block is this one's.
        unsafe { content_at(self.block) }
    }

    /// Frees the block and keeps its content.
    pub(crate) fn open(self) -> C {
        self.vacate().0
    }

    /// The content, and the memory that it was in.
    pub(crate) fn vacate(self) -> (C, Vacant<C>) {
        let block = self.into_raw().as_ptr();
        // SAFETY: nobody shares the block, and nobody looks at it any more; its memory is vacant from here on.
        let content = unsafe { block.read() }.into_inner().content;
        // SAFETY: `new_in` leaked a box, and what was in it has been moved out.
        (content, Vacant(unsafe { Box::from_raw(block.cast()) }))
    }

    /// The first clone. Allocates nothing.
    pub(crate) fn share(self) -> Counted<C> {
        Counted { block: self.into_raw() }
    }

    /// Where the block is, which belongs to the caller from now on.
    pub(crate) fn into_raw(self) -> Place<C> {
        ManuallyDrop::new(self).block
    }

    /// # Safety
    ///
    /// `place` came from `into_raw`, and nobody else uses the block.
    pub(crate) unsafe fn from_raw(place: Place<C>) -> Self {
        Self { block: place }
    }
}

impl<C> Drop for Sole<C> {
    fn drop(&mut self) {
        // SAFETY: 1. `new_in` leaked a box; 2. nobody shares it, and nobody looks at it any more.
        drop(unsafe { Box::from_raw(self.block.as_ptr()) });
    }
}

/// Memory of a block that is none any more, or not yet.
pub(crate) struct Vacant<C>(Box<MaybeUninit<Tracked<Block<C>>>>);

/// Where a block is.
pub(crate) type Place<C> = NonNull<Tracked<Block<C>>>;

/// The content of the block at `place`.
///
/// # Safety
///
/// The block is there for as long as the result is used.
pub(crate) unsafe fn content_at<'a, C>(place: Place<C>) -> &'a C {
    // SAFETY: as the caller says.
    &unsafe { place.as_ref() }.content
}

/// One of the clones that share a block. It has no drop of its own: whoever drops one calls [`leave`](Self::leave), once.
pub(crate) struct Counted<C> {
    block: Place<C>,
}

// SAFETY: clones on several threads share the content, hence `Sync`, and the last one takes it, on whatever thread, hence
// `Send`. The count orders all of them before the taking.
unsafe impl<C: Send + Sync> Send for Counted<C> {}
// SAFETY: as above; cloning through a shared reference only touches the atomic count.
unsafe impl<C: Send + Sync> Sync for Counted<C> {}

impl<C> Counted<C> {
    pub(crate) fn content(&self) -> &C {
        &self.block().content
    }

    fn block(&self) -> &Block<C> {
        // SAFETY: this clone is counted and has not left, so the block is there.
        unsafe { self.block.as_ref() }
    }

    /// Another clone.
    pub(crate) fn another(&self) -> Self {
        // ORDERING: VIEW_CLONE (Relaxed): this clone is counted, so the count is not zero and nothing needs to be visible.
        let before = self.block().clones.fetch_add(1, VIEW_CLONE);
        trace::emit(|| Event::ViewCloned { clones: before + 1 });
        check_count(before);
        Self { block: self.block }
    }

    /// Counts this clone out. `Some` if it was the last: then the block belongs to the caller.
    ///
    /// # Safety
    ///
    /// This clone is not used again, and there is no [`Note`] of the block.
    #[must_use]
    #[inline]
    pub(crate) unsafe fn leave(&mut self) -> Option<Sole<C>> {
        // ORDERING: VIEW_SOLE (Acquire), pairs with each VIEW_DROP: what the clones that have left read was read before.
        if self.block().clones.peek(VIEW_SOLE) == 1 {
            trace::emit(|| Event::ViewDropped { clones: 0 });
            // SAFETY: 1. the block came from `share`; 2. the one that is counted is this clone, and only a counted clone could
            // make another: none exists or will; all others' accesses happen-before this by VIEW_SOLE.
            return Some(unsafe { Sole::from_raw(self.block) });
        }
        // SAFETY: as the caller says.
        unsafe { self.count_out() }
    }

    /// The same where there may be notes: a clone that is alone may be joined at any moment, so only the count decides.
    ///
    /// # Safety
    ///
    /// This clone is not used again.
    #[must_use]
    pub(crate) unsafe fn count_out(&mut self) -> Option<Sole<C>> {
        let clones = &self.block().clones;
        // ORDERING: VIEW_DROP (Release), pairs with VIEW_LAST: what this clone read was read before the release.
        let left = clones.fetch_sub(1, VIEW_DROP) - 1;
        trace::emit(|| Event::ViewDropped { clones: left });
        if left > 0 {
            return None;
        }
        // ORDERING: VIEW_LAST (Acquire), pairs with each VIEW_DROP. A load rather than a fence: race detectors see it.
        clones.load(VIEW_LAST);
        // SAFETY: 1. the block came from `share`; 2. the count is zero, and only a counted clone could raise it, so none exists
        // or will; all others' accesses happen-before this by VIEW_LAST.
        Some(unsafe { Sole::from_raw(self.block) })
    }

    /// A note where the block is, which keeps nothing alive.
    pub(crate) fn note(&self) -> Note<C> {
        Note { block: self.block }
    }
}

/// Going on could wrap the count to zero while clones exist.
fn check_count(before: usize) {
    if before > isize::MAX as usize {
        // Only leaking clones can get here.
        std::process::abort();
    }
}

/// Where a block is. Does not keep it alive.
pub(crate) struct Note<C> {
    block: Place<C>,
}

// SAFETY: an address. What is done with it is the business of `join`.
unsafe impl<C: Send + Sync> Send for Note<C> {}

impl<C> Note<C> {
    /// Whether this is where `sole` is.
    pub(crate) fn is_of(&self, sole: &Sole<C>) -> bool {
        self.block == sole.block
    }

    /// One more clone, and their number, unless the last one has left already.
    ///
    /// # Safety
    ///
    /// The block has not been freed, and is not while this runs.
    pub(crate) unsafe fn join(&self) -> Option<(Counted<C>, usize)> {
        // SAFETY: the caller says that the block is there.
        let clones = &unsafe { self.block.as_ref() }.clones;
        // ORDERING: COUNT_LOOK (Relaxed): the exchange decides.
        let mut present = clones.load(COUNT_LOOK);
        while present > 0 {
            check_count(present);
            // ORDERING: PROXY_JOIN (Relaxed): as in `another`; the block was made visible by where the note was found.
            match clones.replace(present, present + 1, PROXY_JOIN, COUNT_LOOK) {
                Ok(_) => return Some((Counted { block: self.block }, present + 1)),
                Err(now) => present = now,
            }
        }
        None
    }
}
