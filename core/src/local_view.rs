//! A view that stays on one thread.

use crate::View;
use crate::reference::Interpreter;
use crate::runtime::Runtime;
use crate::strategy::{self, Strategy};
use crate::view::within;
use core::fmt;
use core::ops::{Deref, Range, RangeBounds};
use std::rc::Rc;

/// A [`View`] for one thread: its clones and slices are counted without atomics.
///
/// [`View::into_local`] makes one. To the protocol it is, with all its clones and slices, one clone of that view: nobody
/// hears of any but the last, whose drop is the drop of that clone, and the release if no other is left. Reading, cloning
/// and slicing take nobody's lock, not even with [`Shared`](strategy::Shared), where those of the view itself visit the owner.
///
/// It cannot be sent to another thread, nor shared with one. What [`to_view`](Self::to_view) makes can.
///
/// ```compile_fail,E0277
/// # fn send(view: viewchan::LocalView) {
/// std::thread::spawn(move || view.len()); // not `Send`
/// # }
/// ```
///
/// ```compile_fail,E0277
/// # fn share(view: viewchan::LocalView) {
/// std::thread::scope(|scope| scope.spawn(|| view.len()).join()); // not `Sync`
/// # }
/// ```
///
/// ```
/// # fn send(view: viewchan::LocalView) {
/// let view = view.to_view();
/// std::thread::spawn(move || view.len());
/// # }
/// ```
pub struct LocalView<R: Runtime = Interpreter, S: Strategy<R> = strategy::View> {
    /// The one clone that all of them are.
    view: Rc<View<R, S>>,
    /// Counted from the start of `view`, and within it.
    start: usize,
    end: usize,
}

impl<R: Runtime, S: Strategy<R>> View<R, S> {
    /// This clone for one thread, where clones of it cost less. Allocates a count, and takes no lock.
    #[must_use]
    pub fn into_local(self) -> LocalView<R, S> {
        let end = self.len();
        LocalView { view: Rc::new(self), start: 0, end }
    }
}

impl<R: Runtime, S: Strategy<R>> LocalView<R, S> {
    /// A local view of a part, counted as a clone: the view lives until the last of them is gone.
    ///
    /// # Panics
    ///
    /// If the range reaches beyond the view or ends before it starts, like slicing a slice.
    #[inline]
    #[must_use]
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Self {
        let Range { start, end } = within(range, self.end - self.start);
        Self { view: Rc::clone(&self.view), start: self.start + start, end: self.start + end }
    }

    /// A view of what this one shows, for any thread: another clone of the view inside. With [`Shared`](strategy::Shared)
    /// that visits the owner, with the others it takes no lock.
    ///
    /// # Panics
    ///
    /// With [`Shared`](strategy::Shared), if the owner is gone and its runtime adopts nothing.
    #[must_use]
    pub fn to_view(&self) -> View<R, S> {
        self.view.slice(self.start..self.end)
    }

    /// Drops this clone, now and visibly. The same as `drop`.
    #[inline]
    pub fn release(self) {
        drop(self);
    }
}

impl<R: Runtime, S: Strategy<R>> Clone for LocalView<R, S> {
    /// Takes no lock, whatever the strategy.
    #[inline]
    fn clone(&self) -> Self {
        Self { view: Rc::clone(&self.view), ..*self }
    }
}

impl<R: Runtime, S: Strategy<R>> Deref for LocalView<R, S> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.view[self.start..self.end]
    }
}

impl<R: Runtime, S: Strategy<R>> AsRef<[u8]> for LocalView<R, S> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl<R: Runtime, S: Strategy<R>, T: AsRef<[u8]> + ?Sized> PartialEq<T> for LocalView<R, S> {
    fn eq(&self, other: &T) -> bool {
        **self == *other.as_ref()
    }
}

impl<R: Runtime, S: Strategy<R>> fmt::Debug for LocalView<R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalView").field("len", &self.len()).finish_non_exhaustive()
    }
}
