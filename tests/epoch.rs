//! The broadcast slot on the real crate: what is read stays and is whole, and all that was published comes home.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use common::{Drops, freeze, watchdog};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use viewchan::strategy::epoch::{PublishError, Publisher, Reader, Subscriber, slot};
use viewchan::{Buffer, Interpreter};

fn publish(publisher: &Publisher, owner: &Interpreter, make: impl FnOnce(&viewchan::Attached<'_>) -> Buffer) {
    owner.attach(|token| publisher.publish(token, make(token)).expect("the thread is in the owner"));
}

/// The current value's bytes, copied.
fn peek(reader: &Reader) -> Option<Vec<u8>> {
    reader.read().map(|reading| {
        assert_eq!(reading.as_ref(), &*reading);
        reading.to_vec()
    })
}

/// A slot, its owner, and a count of the values that came home.
struct Stage {
    owner: Interpreter,
    home: Drops,
    publisher: Publisher,
    subscriber: Subscriber,
}

impl Stage {
    fn new() -> Self {
        let (publisher, subscriber) = slot();
        Self { owner: Interpreter::new(), home: Drops::default(), publisher, subscriber }
    }

    fn publish(&self, byte: u8) {
        publish(&self.publisher, &self.owner, |token| self.home.buffer(token, &[byte]));
    }
}

#[test]
fn an_empty_slot_has_nothing_to_read() {
    let (publisher, subscriber) = slot();
    assert_eq!(peek(&subscriber.reader()), None);
    drop(publisher);
    assert_eq!(peek(&subscriber.reader()), None);
}

/// The bytes are read where the owner put them.
#[test]
fn nothing_is_copied() {
    let stage = Stage::new();
    let bytes = b"in place".to_vec();
    let address = bytes.as_ptr();
    publish(&stage.publisher, &stage.owner, |token| viewchan::BufferMut::from(bytes).freeze(token));
    let reader = stage.subscriber.reader();
    let reading = reader.read().expect("something was published");
    assert_eq!((reading.as_ptr(), &*reading), (address, &b"in place"[..]));
}

#[test]
fn ends_travel_between_threads() {
    fn travels<T: Send + Sync>() {}
    travels::<Publisher>();
    travels::<Subscriber>();
    let (publisher, subscriber) = slot();
    assert_eq!(publisher.slot_id(), subscriber.clone().slot_id());
    assert_ne!(publisher.slot_id(), slot().0.slot_id());
}

/// A buffer of somebody else is refused and comes back unharmed; the slot keeps what it has.
#[test]
fn only_the_owner_publishes() {
    let stage = Stage::new();
    stage.publish(1);
    let foreign = stage.owner.attach(|token| freeze(token, b"mine"));
    let refused = Interpreter::new().attach(|token| stage.publisher.publish(token, foreign));
    let error = refused.expect_err("another interpreter's");
    assert!(error.to_string().contains("another interpreter"), "{error}");
    assert!(matches!(&error, PublishError::NotOwner(buffer) if **buffer == *b"mine"));
    stage.owner.attach(|token| drop(error.into_inner().try_thaw(token).expect("nobody else refers to it")));
    assert_eq!(peek(&stage.subscriber.reader()), Some(vec![1]));
}

/// Each value goes back to the interpreter that it came from.
#[test]
fn several_interpreters_publish_in_one_slot() {
    let (publisher, subscriber) = slot();
    let owners = [Interpreter::new(), Interpreter::new()];
    let homes = [Drops::default(), Drops::default()];
    let reader = subscriber.reader();
    for round in 0..3 {
        for (who, (owner, home)) in owners.iter().zip(&homes).enumerate() {
            publish(&publisher, owner, |token| home.buffer(token, &[round, who as u8]));
            assert_eq!(peek(&reader), Some(vec![round, who as u8]));
        }
    }
    assert_eq!(homes.each_ref().map(Drops::count), [3, 2]);
    drop((publisher, subscriber, reader));
    assert_eq!(homes.each_ref().map(Drops::count), [3, 3]);
}

/// Nobody reads: a value is home when the publish that replaced it returns. Idle readers do not matter.
#[test]
fn an_unread_value_is_home_at_once() {
    let stage = Stage::new();
    let readers = [stage.subscriber.reader(), stage.subscriber.reader()];
    for published in 0..300 {
        stage.publish(0);
        assert_eq!(stage.home.count(), published);
    }
    drop(readers);
}

/// A reading keeps what it shows, and lets go of it with the next look after its end.
#[test]
fn a_value_comes_home_after_its_reading() {
    let stage = Stage::new();
    let reader = stage.subscriber.reader();
    stage.publish(1);
    let reading = reader.read().expect("something was published");
    stage.publish(2);
    stage.publisher.reclaim();
    assert_eq!((&*reading, stage.home.count()), (&[1][..], 0));
    drop(reading);
    stage.publisher.reclaim();
    assert_eq!(stage.home.count(), 1);
    assert_eq!(peek(&reader), Some(vec![2]));
}

/// Readings of one reader overlap: the value goes home after the last of those that were there.
#[test]
fn readings_of_one_reader_overlap() {
    let stage = Stage::new();
    let reader = stage.subscriber.reader();
    stage.publish(1);
    let first = reader.read();
    stage.publish(2);
    let second = reader.read();
    drop(first);
    stage.publish(3);
    stage.publisher.reclaim();
    assert_eq!(second.as_deref(), Some(&[2][..]));
    drop(second);
    stage.publisher.reclaim();
    assert_eq!(stage.home.count(), 2);
}

/// What a long reading kept back comes home in the course of the next publishes: more than one with each.
#[test]
fn a_backlog_shrinks_with_each_publish() {
    const KEPT: usize = 200;
    let stage = Stage::new();
    let reader = stage.subscriber.reader();
    stage.publish(0);
    let reading = reader.read();
    for _ in 0..KEPT {
        stage.publish(0);
    }
    assert_eq!(stage.home.count(), 0, "a reading keeps back whatever is replaced meanwhile");
    drop(reading);
    let mut rounds = 0;
    while stage.home.count() < KEPT + rounds {
        stage.publish(0);
        rounds += 1;
        assert!(rounds <= KEPT / 4, "{} of {} after {rounds} publishes", stage.home.count(), KEPT + rounds);
    }
}

/// Short readings, each over a few publishes, one after the other: what is alive stays near to what one of them keeps back.
#[test]
fn short_readings_keep_little_back() {
    const OVER: usize = 4;
    let stage = Stage::new();
    let reader = stage.subscriber.reader();
    stage.publish(0);
    let (mut published, mut alive) = (1, 0);
    for _ in 0..1_000 {
        let _reading = reader.read();
        for _ in 0..OVER {
            stage.publish(0);
            published += 1;
            alive = alive.max(published - stage.home.count());
        }
    }
    // What one reading keeps back, the one before it has just let go of, and the current value.
    assert!(alive <= 2 * OVER + 1, "{alive} values alive");
    println!("at most {alive} values alive, with readings over {OVER} publishes");
}

/// Readers alone bring home what is left, too.
#[test]
fn readings_bring_values_home() {
    let stage = Stage::new();
    let reader = stage.subscriber.reader();
    stage.publish(1);
    let reading = reader.read();
    stage.publish(2);
    drop(reading);
    for _ in 0..2 * 128 {
        assert_eq!(peek(&reader), Some(vec![2]));
    }
    assert_eq!(stage.home.count(), 1);
}

/// Whoever is the last holder: with it, at once and on its thread, everything is home.
#[test]
fn the_last_holder_sends_everything_home() {
    for last in 0..3 {
        let Stage { home, owner, publisher, subscriber } = Stage::new();
        let reader = subscriber.reader();
        publish(&publisher, &owner, |token| home.buffer(token, b"first"));
        let reading = reader.read();
        publish(&publisher, &owner, |token| home.buffer(token, b"second"));
        drop(reading);
        let mut holders: [Box<dyn std::any::Any>; 3] = [Box::new(publisher), Box::new(subscriber), Box::new(reader)];
        holders.rotate_left(last);
        for holder in holders {
            assert!(home.count() < 2, "the value is current while there is a holder");
            drop(holder);
        }
        assert_eq!(home.count(), 2);
    }
}

/// A panic while reading ends the reading.
#[test]
fn a_panic_ends_the_reading() {
    let stage = Stage::new();
    let reader = stage.subscriber.reader();
    stage.publish(1);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _reading = reader.read();
        panic!("while reading");
    }));
    assert!(panicked.is_err());
    stage.publish(2);
    assert_eq!(stage.home.count(), 1);
}

/// The largest number that was seen.
#[derive(Default)]
struct Peak(AtomicUsize);

impl Peak {
    fn see(&self, value: usize) {
        self.0.fetch_max(value, Ordering::SeqCst);
    }
}

/// The publisher replaces 10,000 values under many readers. Each reading is one value, whole, and never older than the one
/// before; in the end all are home. While it runs, few are alive.
#[test]
fn many_readers_of_many_values() {
    const VALUES: u64 = 10_000;
    const READERS: usize = 6;
    let _watchdog = watchdog();
    let Stage { home, owner, publisher, subscriber } = Stage::new();
    let (running, alive, start) = (AtomicBool::new(true), Peak::default(), Barrier::new(READERS + 1));
    let value = |number: u64| number.to_le_bytes().repeat(64);
    publish(&publisher, &owner, |token| home.buffer(token, &value(0)));
    thread::scope(|scope| {
        for _ in 0..READERS {
            let subscriber = subscriber.clone();
            let (running, start) = (&running, &start);
            scope.spawn(move || {
                let reader = subscriber.reader();
                start.wait();
                let mut newest = 0;
                while running.load(Ordering::Relaxed) {
                    newest = read_whole(&reader, newest);
                }
            });
        }
        start.wait();
        for number in 1..VALUES {
            publish(&publisher, &owner, |token| home.buffer(token, &value(number)));
            alive.see(number as usize + 1 - home.count());
        }
        running.store(false, Ordering::Relaxed);
    });
    println!("at most {} values alive of {VALUES}", alive.0.load(Ordering::SeqCst));
    drop((publisher, subscriber));
    assert_eq!(home.count(), VALUES as usize);
}

/// Reads a value that is one number all over, not below `newest`.
fn read_whole(reader: &Reader, newest: u64) -> u64 {
    let reading = reader.read().expect("the first value was published before");
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    let first = number(&reading[..8]);
    assert!(reading.chunks(8).all(|bytes| number(bytes) == first), "a mixture");
    assert!(first >= newest, "{first} after {newest}");
    first
}

/// Readers and subscribers come and go meanwhile, and the last of them is the last holder.
#[test]
fn holders_come_and_go() {
    const VALUES: usize = 2_000;
    let _watchdog = watchdog();
    let Stage { home, owner, publisher, subscriber } = Stage::new();
    thread::scope(|scope| {
        for _ in 0..4 {
            let subscriber = subscriber.clone();
            scope.spawn(move || {
                for _ in 0..VALUES {
                    let reader = subscriber.clone().reader();
                    assert!(reader.read().is_none_or(|reading| &*reading == b"x"));
                }
            });
        }
        drop(subscriber);
        for _ in 0..VALUES {
            publish(&publisher, &owner, |token| home.buffer(token, b"x"));
        }
        drop(publisher);
    });
    assert_eq!(home.count(), VALUES);
}

/// What the slot's end relies on, of the crate alone: a handle's functions are passed on when it is dropped, and the last
/// part of a collector runs all that is left, before its drop returns.
#[test]
fn the_last_part_of_a_collector_runs_what_is_left() {
    for collector_last in [false, true] {
        let ran = Drops::default();
        let collector = crossbeam_epoch::Collector::new();
        let (one, two) = (collector.register(), collector.register());
        let guard = two.pin();
        for _ in 0..1_000 {
            let witness = ran.witness(b"");
            one.pin().defer(move || drop(witness));
        }
        drop(one);
        assert_eq!(ran.count(), 0, "the other guard is there");
        if collector_last {
            drop((guard, two));
            drop(collector);
        } else {
            drop(collector);
            drop(two);
            assert!(ran.count() < 1_000, "a guard is a part, too");
            drop(guard);
        }
        assert_eq!(ran.count(), 1_000);
    }
}
