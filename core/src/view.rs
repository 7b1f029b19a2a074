//! The receiver's side: a read-only window on somebody else's bytes.

use crate::reference::Interpreter;
use crate::runtime::Runtime;
use crate::strategy::{self, Strategy};
use core::fmt;
use core::ops::{Bound, Deref, Range, RangeBounds};

/// A read-only view of the bytes that were sent.
///
/// It can be read, cloned, sliced and sent to other threads without anyone's lock (with [`Shared`](strategy::Shared),
/// clones and slices visit the owner). There is no way to write through it. When the last clone is dropped, the buffer
/// is given back: with the default strategy that visits the owner, and a thread that is attached elsewhere leaves that
/// interpreter for the time (G4). With [`Deferred`](strategy::Deferred) it goes on the owner's return list instead;
/// only a thread that is attached to nobody may then collect for an idle owner at once.
///
/// Clones that all stay on one thread are cheaper as those of a [`LocalView`](crate::LocalView).
///
/// ```compile_fail,E0596
/// # fn write(view: viewchan::View) {
/// let bytes: &mut [u8] = &mut view[..]; // a view never gives out `&mut`
/// # }
/// ```
pub struct View<R: Runtime = Interpreter, S: Strategy<R> = strategy::View> {
    pin: S::Pin,
    start: usize,
    end: usize,
    _runtime: core::marker::PhantomData<fn() -> R>,
}

impl<R: Runtime, S: Strategy<R>> View<R, S> {
    pub(crate) fn new(pin: S::Pin) -> Self {
        let end = pin.as_ref().len();
        Self { pin, start: 0, end, _runtime: core::marker::PhantomData }
    }

    /// A view of a part, counted as a clone: the buffer lives until the last of them is gone.
    ///
    /// # Panics
    ///
    /// If the range reaches beyond the view or ends before it starts, like slicing a slice. With
    /// [`Shared`](strategy::Shared) also if the owner is gone and its runtime adopts nothing; so does `clone`.
    #[must_use]
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Self {
        let Range { start, end } = within(range, self.end - self.start);
        let mut slice = self.clone();
        slice.start = self.start + start;
        slice.end = self.start + end;
        slice
    }

    /// Drops this clone, now and visibly. The same as `drop`.
    pub fn release(self) {
        drop(self);
    }
}

impl<R: Runtime, S: Strategy<R>> Clone for View<R, S> {
    fn clone(&self) -> Self {
        Self { pin: self.pin.clone(), ..*self }
    }
}

impl<R: Runtime, S: Strategy<R>> Deref for View<R, S> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.pin.as_ref()[self.start..self.end]
    }
}

impl<R: Runtime, S: Strategy<R>> AsRef<[u8]> for View<R, S> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl<R: Runtime, S: Strategy<R>, T: AsRef<[u8]> + ?Sized> PartialEq<T> for View<R, S> {
    fn eq(&self, other: &T) -> bool {
        **self == *other.as_ref()
    }
}

impl<R: Runtime, S: Strategy<R>> fmt::Debug for View<R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The part of a view of `len` bytes that `range` names.
///
/// # Panics
///
/// If it reaches beyond the view, or ends before it starts.
#[inline]
pub(crate) fn within(range: impl RangeBounds<usize>, len: usize) -> Range<usize> {
    let from = match range.start_bound() {
        Bound::Included(&from) => from,
        Bound::Excluded(&before) => before.checked_add(1).expect("the range starts beyond usize"),
        Bound::Unbounded => 0,
    };
    let to = match range.end_bound() {
        Bound::Included(&last) => last.checked_add(1).expect("the range ends beyond usize"),
        Bound::Excluded(&to) => to,
        Bound::Unbounded => len,
    };
    assert!(from <= to && to <= len, "the range {from}..{to} is not within a view of {len} bytes");
    from..to
}
