//! The recorder of each thread.

use super::Event;
use crate::sync;
use std::cell::RefCell;

type Recorder = Box<dyn Fn(&Event)>;

sync::per_thread! {
    static RECORDER: RefCell<Option<Recorder>> = RefCell::new(None);
}

/// Whether events are emitted at all.
pub const ENABLED: bool = true;

/// Sends the calling thread's events to `recorder` from now on; `None` stops that.
///
/// The recorder runs inside the protocol's critical sections: it must not block for long, panic, or use this crate.
pub fn set_recorder(recorder: Option<Recorder>) {
    // The old one drops with the slot free again: it may hold what emits events.
    let old = RECORDER.with(|slot| slot.replace(recorder));
    drop(old);
}

/// Tells the calling thread's recorder. For strategies and runtimes outside this crate.
pub fn emit(event: impl FnOnce() -> Event) {
    // A thread that is being torn down has no recorder any more: nothing to tell.
    let _ = RECORDER.try_with(|slot| {
        if let Some(recorder) = &*slot.borrow() {
            recorder(&event());
        }
    });
}
