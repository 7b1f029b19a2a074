//! Views of one thread: to the owner all clones of one are one clone of its view, and to a reader it is the view.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use common::{Drops, assert_acquired, freeze, panic_message, view_of, watchdog};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};
use std::collections::BTreeSet;
use std::ops::{Bound, Range};
use std::thread;
use viewchan::channel::unbounded_with;
use viewchan::runtime::Cause;
use viewchan::strategy::{self, Strategy as Sharing};
use viewchan::{Interpreter, LocalView, ThawError, View};

/// What the buffer of a run contains.
const BYTES: &[u8] = b"0123456789";

/// One thing that is done with one of those that are held. Which of them is reduced to those that there are.
#[derive(Clone, Debug)]
enum Act {
    Clone(Index),
    Slice(Index, Index, Index),
    /// Makes a view local. A local one stays.
    IntoLocal(Index),
    /// Makes a view of a local one. Of a view, a clone.
    ToView(Index),
    /// Drops one, unless it is the last that is held.
    Drop(Index),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let one = any::<Index>;
    let act = prop_oneof![
        3 => one().prop_map(Act::Clone),
        3 => (one(), one(), one()).prop_map(|(of, from, to)| Act::Slice(of, from, to)),
        2 => one().prop_map(Act::IntoLocal),
        2 => one().prop_map(Act::ToView),
        6 => one().prop_map(Act::Drop),
    ];
    vec(act, 0..40)
}

enum Held<S: Sharing<Interpreter>> {
    Shared(View<Interpreter, S>),
    Local(LocalView<Interpreter, S>),
}

/// One that is held, and what it should be.
struct Entry<S: Sharing<Interpreter>> {
    held: Held<S>,
    /// The bytes that it shows.
    range: Range<usize>,
    /// The clone that it is to the protocol: a view is one of its own, local views that share a count are one together.
    clone: usize,
}

/// How often creating and releasing should have acquired the owner's lock, when so many clones were made and so many are left.
type Visits = fn(made: usize, left: usize) -> (usize, usize);

struct World<S: Sharing<Interpreter>> {
    owner: Interpreter,
    entries: Vec<Entry<S>>,
    /// Clones that the protocol has seen.
    made: usize,
    visits: Visits,
}

impl<S: Sharing<Interpreter>> World<S> {
    fn another(&mut self) -> usize {
        self.made += 1;
        self.made - 1
    }

    fn add(&mut self, held: Held<S>, range: Range<usize>, shared_with: usize) {
        let clone = if matches!(held, Held::Local(_)) { shared_with } else { self.another() };
        self.entries.push(Entry { held, range, clone });
    }

    fn act(&mut self, act: &Act) {
        let count = self.entries.len();
        let (Act::Clone(of) | Act::Slice(of, ..) | Act::IntoLocal(of) | Act::ToView(of) | Act::Drop(of)) = act;
        let of = of.index(count);
        let Entry { held, range, clone } = &self.entries[of];
        let (range, clone) = (range.clone(), *clone);
        match act {
            Act::Clone(_) => {
                let another = match held {
                    Held::Shared(view) => Held::Shared(view.clone()),
                    Held::Local(view) => Held::Local(view.clone()),
                };
                self.add(another, range, clone);
            }
            Act::Slice(_, from, to) => {
                let from = from.index(range.len() + 1);
                let to = from + to.index(range.len() - from + 1);
                let slice = match held {
                    Held::Shared(view) => Held::Shared(view.slice(from..to)),
                    Held::Local(view) => Held::Local(view.slice(from..to)),
                };
                self.add(slice, range.start + from..range.start + to, clone);
            }
            Act::ToView(_) => {
                let view = match held {
                    Held::Shared(view) => view.clone(),
                    Held::Local(view) => view.to_view(),
                };
                self.add(Held::Shared(view), range, clone);
            }
            Act::IntoLocal(_) => {
                let Entry { held, range, clone } = self.entries.swap_remove(of);
                let held = match held {
                    Held::Shared(view) => Held::Local(view.into_local()),
                    local @ Held::Local(_) => local,
                };
                self.entries.push(Entry { held, range, clone });
            }
            Act::Drop(_) if count > 1 => drop(self.entries.swap_remove(of)),
            Act::Drop(_) => {}
        }
    }

    /// Everything shows its bytes, and the owner was visited as often as it should have been.
    fn check(&self) -> TestCaseResult {
        for Entry { held, range, .. } in &self.entries {
            let bytes: &[u8] = match held {
                Held::Shared(view) => view,
                Held::Local(view) => view,
            };
            prop_assert_eq!(bytes, &BYTES[range.clone()]);
        }
        let left: BTreeSet<_> = self.entries.iter().map(|entry| entry.clone).collect();
        let acquired = |cause| self.owner.acquisitions().by(cause) as usize;
        let visited = (acquired(Cause::ViewCreation), acquired(Cause::ViewRelease));
        prop_assert_eq!(visited, (self.visits)(self.made, left.len()), "creations and releases");
        Ok(())
    }
}

/// Runs `acts` on a view that is received, attached to a receiver or to nobody; then drops what is left, one by one. The owner
/// can thaw its buffer when all are gone, and not before.
fn run<S: Sharing<Interpreter>>(acts: &[Act], attached: bool, visits: Visits) -> TestCaseResult {
    let [owner, receiver] = [(); 2].map(|()| Interpreter::new());
    let somewhere = |part: &mut dyn FnMut() -> TestCaseResult| match attached {
        true => receiver.attach(|_| part()),
        false => part(),
    };
    let (tx, rx) = unbounded_with::<Interpreter, S>();
    let buffer = owner.attach(|token| {
        let buffer = freeze(token, BYTES);
        tx.send(token, buffer.clone_ref(token)).expect("the channel is open");
        buffer
    });
    let mut world = World { owner: owner.clone(), entries: Vec::new(), made: 0, visits };
    somewhere(&mut || {
        let view = rx.recv().expect("sent above").into_view().expect("a buffer was sent");
        world.add(Held::Shared(view), 0..BYTES.len(), 0);
        world.check()?;
        acts.iter().try_for_each(|act| {
            world.act(act);
            world.check()
        })
    })?;
    let thawed = owner.attach(|token| buffer.try_thaw(token));
    let Err(ThawError::InUse(buffer)) = thawed else { return Err(TestCaseError::fail("thawed while it was in use")) };
    somewhere(&mut || {
        while !world.entries.is_empty() {
            world.entries.remove(0);
            world.check()?;
        }
        Ok(())
    })?;
    let thawed = owner.attach(|token| buffer.try_thaw(token));
    prop_assert_eq!(&thawed.expect("nobody uses it any more")[..], BYTES);
    Ok(())
}

fn any_program_counts<S: Sharing<Interpreter>>(visits: Visits) {
    let _watchdog = watchdog();
    let mut runner = TestRunner::new(Config { cases: 500, failure_persistence: None, ..Config::default() });
    let ran = runner.run(&(acts(), any::<bool>()), |(acts, attached)| run::<S>(&acts, attached, visits));
    ran.unwrap_or_else(|failure| panic!("{failure}"));
}

/// A clone of a view visits the owner, and so does what `to_view` makes. Clones and slices of a local view do not.
#[test]
fn shared() {
    any_program_counts::<strategy::Shared>(|made, left| (made, made - left));
}

#[test]
fn proxy() {
    any_program_counts::<strategy::Proxy>(|_, left| (1, usize::from(left == 0)));
}

/// One creation, and one release when the very last goes, local or not.
#[test]
fn view() {
    any_program_counts::<strategy::View>(|_, left| (1, usize::from(left == 0)));
}

#[test]
fn handover() {
    any_program_counts::<strategy::Handover>(|_, left| (0, usize::from(left == 0)));
}

#[test]
fn deferred() {
    any_program_counts::<strategy::Deferred>(|_, _| (0, 0));
}

/// A local view of a slice is a window on the sender's memory, and a slice of it a smaller one.
#[test]
fn nothing_is_copied() {
    let _watchdog = watchdog();
    let view = view_of(&Interpreter::new(), |token| freeze(token, BYTES));
    let address = view.as_ptr();
    let local = view.slice(2..8).into_local();
    assert_eq!(local.as_ptr(), address.wrapping_add(2));
    let slice = local.slice(1..=3);
    assert_eq!((slice.as_ptr(), slice.len()), (address.wrapping_add(3), 3));
    assert_eq!(slice.to_view().as_ptr(), address.wrapping_add(3));
}

/// It compares, and gives its bytes, like a view; debug output names the length and shows no content.
#[test]
fn a_local_view_reads_like_a_view() {
    let _watchdog = watchdog();
    let view = view_of(&Interpreter::new(), |token| freeze(token, b"secret"));
    let local = view.clone().into_local();
    assert_eq!(local, view);
    assert_eq!(view, local);
    assert_eq!(local, "secret");
    assert_ne!(local, "SECRET");
    assert_ne!(local.slice(1..), local);
    assert_eq!(AsRef::<[u8]>::as_ref(&local), b"secret");
    assert_eq!(local.slice((Bound::Excluded(0), Bound::Included(2))), "ec");
    assert!(local.slice(6..).slice(..).is_empty());
    assert_eq!(format!("{local:?}"), "LocalView { len: 6, .. }");
}

/// A range beyond a local view panics with what a view says, also where the bytes behind a slice exist. Nothing is lost.
#[test]
fn a_slice_beyond_the_local_view_panics() {
    let _watchdog = watchdog();
    let drops = Drops::default();
    let view = view_of(&Interpreter::new(), |token| drops.buffer(token, BYTES)).slice(2..8);
    let (local, slice) = (view.clone().into_local().slice(1..5), view.slice(1..5));
    for (from, to) in [(0, 5), (5, 5), (3, 2), (usize::MAX, 0), (0, usize::MAX), (usize::MAX, usize::MAX)] {
        let message = panic_message(|| local.slice(from..to).release());
        assert_eq!(message, format!("the range {from}..{to} is not within a view of 4 bytes"));
        assert_eq!(message, panic_message(|| slice.slice(from..to).release()));
    }
    for range in [
        (Bound::Included(5), Bound::Unbounded),
        (Bound::Unbounded, Bound::Included(4)),
        (Bound::Included(3), Bound::Included(1)),
        (Bound::Unbounded, Bound::Included(usize::MAX)),
        (Bound::Excluded(usize::MAX), Bound::Unbounded),
    ] {
        assert_eq!(panic_message(|| local.slice(range).release()), panic_message(|| slice.slice(range).release()));
    }
    assert_eq!(local, "3456");
    drop((view, slice, local));
    assert_eq!(drops.count(), 1);
}

/// What `to_view` makes goes to another thread and outlives the local view there. The release is that of the last (G3).
#[test]
fn a_view_of_a_local_view_goes_elsewhere() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let local = view_of(&owner, |token| freeze(token, BYTES)).into_local();
    let view = local.slice(4..).to_view();
    let created = [(Cause::Attach, 1), (Cause::ViewCreation, 1)];
    local.release();
    assert_acquired(&owner, &created);
    thread::spawn(move || assert_eq!(view, "456789")).join().expect("no panic");
    assert_acquired(&owner, &[created[0], created[1], (Cause::ViewRelease, 1)]);
}
