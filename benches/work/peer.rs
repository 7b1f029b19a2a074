//! The floors, and what other libraries have.

use super::single::buffer;
use super::{Work, on_two_cores};
use crossbeam_epoch::Collector;
use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use viewchan::strategy::epoch;

/// The unit: an uncontended lock, taken and given up.
pub(crate) fn lock_pair() -> Work {
    let mutex = parking_lot::Mutex::new(());
    Work::each("lock + unlock (the unit)", move || drop(black_box(&mutex).lock()))
}

pub(crate) fn epoch_pin() -> Work {
    let handle = Collector::new().register();
    Work::each("crossbeam-epoch: pin + unpin", move || drop(handle.pin()))
}

/// A slot with a value, and one reader, which reads the first byte.
pub(crate) fn epoch_read() -> Work {
    let (owner, buffer) = buffer(64);
    let (publisher, subscriber) = epoch::slot();
    owner.attach(|token| publisher.publish(token, buffer).expect("the publisher is its owner's"));
    let reader = subscriber.reader();
    Work::each("epoch: read", move || {
        let _publisher = &publisher;
        reader.read().expect("published above")[0]
    })
}

/// One cache line goes to another thread, and comes back.
pub(crate) fn line_round_trip() -> Work {
    #[repr(align(128))]
    struct Line(AtomicU64);
    Work::new("cache line: there and back", |times| {
        let line = Line(AtomicU64::new(0));
        let wait_for = |turn: u64| {
            while line.0.load(Ordering::Acquire) != turn {
                spin_loop();
            }
        };
        let answer = || {
            for turn in 0..times {
                wait_for(2 * turn + 1);
                line.0.store(2 * turn + 2, Ordering::Release);
            }
        };
        let ask = || {
            let start = Instant::now();
            for turn in 0..times {
                line.0.store(2 * turn + 1, Ordering::Release);
                wait_for(2 * turn + 2);
            }
            start.elapsed()
        };
        on_two_cores(answer, ask)
    })
}
