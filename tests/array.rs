//! Arrays through a channel: the layout arrives with the bytes, and slices keep it.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use common::{Drops, assert_acquired, freeze, panic_message, recv, watchdog};
use proptest::prelude::*;
use std::error::Error;
use std::thread;
use viewchan::array::AccessError;
use viewchan::channel::{SendError, TrySendError};
use viewchan::layout::{LayoutError, SliceError};
use viewchan::{
    ArrayView, Attached, Buffer, BufferMut, Cause, Format, Interpreter, Layout, Message, ReceiveEnd, Shaped, bounded,
    unbounded,
};

fn format(text: &str) -> Format {
    text.parse().expect("a known format")
}

/// Receives an array.
fn recv_array(end: &ReceiveEnd) -> ArrayView {
    let Message::Array(array) = end.recv().expect("a message is coming") else { panic!("it is an array") };
    array
}

/// A view of an array of `owner`, sent and received through a channel of its own.
fn array_of(owner: &Interpreter, make: impl FnOnce(&Attached<'_>) -> Shaped) -> ArrayView {
    let (tx, rx) = unbounded();
    owner.attach(|token| tx.send(token, make(token)).expect("the channel is open"));
    recv_array(&rx)
}

/// The numbers 0 to 11 in three rows of four.
fn matrix(owner: &Interpreter) -> ArrayView {
    let numbers = (0..12).map(f64::from).collect();
    array_of(owner, |token| Shaped::from_vec(token, numbers, &[3, 4]).expect("as many as the shape says"))
}

fn values(array: &ArrayView) -> Vec<f64> {
    array.values().expect("doubles").collect()
}

/// The descriptor arrives as it was sent, and the elements are the sender's memory.
#[test]
fn the_layout_arrives() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let numbers: Vec<f64> = (0..12).map(f64::from).collect();
    let address = numbers.as_ptr();
    let array = array_of(&owner, |token| Shaped::from_vec(token, numbers, &[3, 4]).expect("fits"));
    assert_eq!((array.format(), array.shape(), array.strides()), (Format::of::<f64>(), &[3, 4][..], &[32, 8][..]));
    assert_eq!((array.ndim(), array.len(), array.is_empty()), (2, 12, false));
    let slice = array.as_slice::<f64>().expect("contiguous doubles");
    assert_eq!(slice.as_ptr(), address);
    assert_eq!(slice, (0..12).map(f64::from).collect::<Vec<_>>());
    assert_eq!(array.element(&[1, 2]), Some(&6_f64.to_ne_bytes()[..]));
    assert_eq!((array.element(&[3, 0]), array.element(&[0])), (None, None));
    assert_eq!(array.elements().len(), 12);
    assert_eq!(format!("{array:?}"), format!("ArrayView {{ format: {}, shape: [3, 4], .. }}", array.format()));
}

/// Slices of slices say what they are and read what they should, after everything of the sender's is gone; the last one
/// frees the bytes.
#[test]
fn slices_of_slices_keep_the_descriptor() {
    let _watchdog = watchdog();
    let drops = Drops::default();
    let array = {
        let owner = Interpreter::new();
        let (tx, rx) = unbounded();
        owner.attach(|token| {
            let bytes: Vec<u8> = (0..12_u16).flat_map(u16::to_be_bytes).collect();
            let shaped = drops.buffer(token, &bytes).with_shape(format(">u2"), &[3, 4]).expect("fits");
            tx.send(token, shaped).expect("the channel is open");
        });
        recv_array(&rx)
    };
    let read = |array: &ArrayView| -> Vec<u16> {
        array.elements().map(|bytes| u16::from_be_bytes(bytes.try_into().expect("two bytes"))).collect()
    };
    let odd = array.step_axis(1, Some(1), None, 2).expect("a part");
    drop(array);
    assert_eq!((odd.shape(), odd.strides(), read(&odd)), (&[3, 2][..], &[8, 4][..], vec![1, 3, 5, 7, 9, 11]));
    let upwards = odd.step_axis(0, None, None, -1).expect("a part");
    drop(odd);
    assert_eq!((upwards.strides(), read(&upwards)), (&[-8, 4][..], vec![9, 11, 5, 7, 1, 3]));
    let column = upwards.transpose().index_axis(0, 1).expect("a column");
    drop(upwards);
    assert_eq!((column.shape(), column.strides(), read(&column)), (&[3][..], &[-8][..], vec![11, 7, 3]));
    let last = column.slice_axis(0, 2..).expect("a part");
    drop(column);
    assert_eq!((last.format(), last.shape(), read(&last)), (format(">H"), &[1][..], vec![3]));
    assert_eq!(drops.count(), 0);
    last.release();
    assert_eq!(drops.count(), 1);
}

/// An array costs the owner what bytes cost: one visit to create the view, one to release it (G1).
#[test]
fn locks_are_those_of_bytes() {
    let _watchdog = watchdog();
    let (owner, receiver) = (Interpreter::new(), Interpreter::new());
    let (tx, rx) = unbounded();
    owner.attach(|token| {
        let shaped = Shaped::from_vec(token, vec![1_i64, 2, 3, 4], &[2, 2]).expect("fits");
        tx.send(token, shaped).expect("the channel is open");
    });
    receiver.attach(|_| {
        let array = recv_array(&rx);
        let row = array.index_axis(0, 1).expect("a row");
        let clone = array.clone();
        assert_eq!(row.as_slice::<i64>(), Ok(&[3, 4][..]));
        assert_eq!(clone.values::<i64>().expect("integers").sum::<i64>(), 10);
    });
    assert_acquired(&owner, &[(Cause::Attach, 1), (Cause::ViewCreation, 1), (Cause::ViewRelease, 1)]);
}

/// Bytes without a layout are an array of bytes; an array is not taken for bytes by accident.
#[test]
fn bytes_and_arrays_are_told_apart() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = unbounded();
    owner.attach(|token| {
        tx.send(token, freeze(token, b"abc")).expect("the channel is open");
        tx.send(token, freeze(token, b"abc").with_shape(Format::BYTE, &[3]).expect("fits")).expect("open");
        tx.send(token, unbounded().0).expect("open");
    });
    let bytes = rx.recv().expect("sent").into_array().expect("bytes are an array");
    assert_eq!((bytes.format(), bytes.shape(), bytes.as_slice::<u8>()), (Format::BYTE, &[3][..], Ok(&b"abc"[..])));
    let message = rx.recv().expect("sent").into_view().expect_err("an array is no plain view");
    assert!(format!("{message:?}").starts_with("Array(ArrayView { format: |u1, shape: [3]"));
    let (view, layout) = message.into_array().expect("an array").into_parts();
    assert_eq!((&view[..], layout), (&b"abc"[..], Layout::bytes(3)));
    assert!(matches!(rx.recv().expect("sent").into_array(), Err(Message::SendEnd(_))));
}

/// An array that is not sent comes back as it was, and one that nobody receives is freed.
#[test]
fn arrays_are_given_back_and_discarded() {
    let _watchdog = watchdog();
    let (owner, other) = (Interpreter::new(), Interpreter::new());
    let drops = Drops::default();
    let (tx, rx) = bounded(1);
    owner.attach(|token| {
        let shaped = drops.buffer(token, &[0; 8]).with_shape(format("<i2"), &[2, 2]).expect("fits");
        let layout = shaped.layout().clone();
        tx.send(token, shaped.clone_ref(token)).expect("there is space");
        let Err(TrySendError::Full(shaped)) = tx.try_send(token, shaped) else { panic!("the channel is full") };
        assert_eq!((shaped.layout(), &shaped.buffer()[..]), (&layout, &[0; 8][..]));
        let refused = thread::scope(|scope| {
            scope.spawn(|| other.attach(|token| tx.try_send(token, shaped))).join().expect("no panic")
        });
        let Err(TrySendError::NotOwner(shaped)) = refused else { panic!("another interpreter owns it") };
        assert_eq!(shaped.layout(), &layout);
        drop(rx);
        let Err(SendError::Closed(shaped)) = tx.send(token, shaped) else { panic!("the channel is closed") };
        assert_eq!(shaped.into_parts().1, layout);
    });
    assert_eq!(drops.count(), 1);
}

/// Several arrays of one buffer: columns of packed records, which are not aligned and can be read all the same.
#[test]
fn columns_of_packed_records() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = unbounded();
    // Three records of one byte and one double.
    let records: Vec<u8> = (0..3_u8).flat_map(|n| [&[n][..], &f64::from(n).to_ne_bytes()].concat()).collect();
    owner.attach(|token| {
        let buffer = freeze(token, &records);
        let bytes = Layout::new(Format::BYTE, &[3], Some(&[9]), 0, 27).expect("fits");
        let refused = Layout::new(Format::of::<f64>(), &[3], Some(&[9]), 1, 27);
        assert!(matches!(refused, Err(LayoutError::MisalignedOffset { offset: 1, .. })));
        let doubles = Layout::packed(Format::of::<f64>(), &[3], Some(&[9]), 1, 27).expect("fits");
        for layout in [bytes, doubles] {
            tx.send(token, buffer.clone_ref(token).with_layout(layout).expect("of that length")).expect("open");
        }
    });
    let (bytes, doubles) = (recv_array(&rx), recv_array(&rx));
    assert_eq!(bytes.values::<u8>().expect("bytes").collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(values(&doubles), [0., 1., 2.]);
    assert_eq!(doubles.as_slice::<f64>(), Err(AccessError::NotContiguous));
    assert_eq!(bytes.view().as_ptr(), doubles.view().as_ptr());
}

/// Typed access is refused with the reason.
#[test]
fn typed_access_is_refused_precisely() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let array = matrix(&owner);
    let format_error = |kind, size| AccessError::Format { format: Format::of::<f64>(), kind, size };
    use viewchan::layout::Kind::{Bytes, Float, Int, Uint};
    assert_eq!(array.as_slice::<f32>(), Err(format_error(Float, 4)));
    assert_eq!(array.as_slice::<i64>(), Err(format_error(Int, 8)));
    assert_eq!(array.values::<u64>().map(|_| ()), Err(format_error(Uint, 8)));
    assert_eq!(array.as_slice::<[u8; 8]>(), Err(format_error(Bytes, 8)));
    assert_eq!(array.transpose().as_slice::<f64>(), Err(AccessError::NotContiguous));
    assert_eq!(values(&array.transpose())[..4], [0., 4., 8., 1.]);

    let foreign = format(if Format::of::<f64>() == format("<d") { ">d" } else { "<d" });
    let (view, _) = array.into_parts();
    let array =
        view.clone().with_layout(Layout::contiguous(foreign, &[12], 96).expect("fits")).expect("of that length");
    assert_eq!(array.as_slice::<f64>(), Err(AccessError::ByteOrder { format: foreign }));

    // A byte further, no double is aligned: the layout cannot know, the address tells. Copies can be had.
    let layout = Layout::contiguous(Format::of::<f64>(), &[11], 95).expect("fits");
    let array = view.slice(1..).with_layout(layout.clone()).expect("of that length");
    assert_eq!(array.as_slice::<f64>(), Err(AccessError::MisalignedAddress { remainder: 1, alignment: 8 }));
    assert_eq!(array.values::<f64>().map(|values| values.len()), Ok(11));
    // No element is aligned anywhere.
    assert_eq!(array.slice_axis(0, 11..).expect("empty").as_slice::<f64>(), Ok(&[][..]));

    let refused = view.with_layout(layout).map(|_| ());
    assert_eq!(refused, Err(LayoutError::OtherLength { layout: 95, buffer: 96 }));
}

/// Bytes are read from bytes, truth values and strings.
#[test]
fn bytes_are_read_from_what_is_bytes() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    for text in ["B", "?", "c"] {
        let array = array_of(&owner, |token| freeze(token, &[1, 0, 1]).with_shape(format(text), &[3]).expect("fits"));
        assert_eq!(array.as_slice::<u8>(), Ok(&[1, 0, 1][..]), "{text}");
    }
    let array = array_of(&owner, |token| freeze(token, b"onetwo").with_shape(format("3s"), &[2]).expect("fits"));
    assert_eq!(array.as_slice::<[u8; 3]>(), Ok(&[*b"one", *b"two"][..]));
    assert_eq!(
        array.as_slice::<i8>().map(<[_]>::len),
        Err(AccessError::Format { format: format("3s"), kind: viewchan::layout::Kind::Int, size: 1 })
    );
    let array = array_of(&owner, |token| freeze(token, &[1]).with_shape(format("b"), &[1]).expect("fits"));
    let signed = AccessError::Format { format: format("b"), kind: viewchan::layout::Kind::Uint, size: 1 };
    assert_eq!(array.as_slice::<u8>(), Err(signed), "a byte with a sign is a number, not a byte");
}

/// What is not made an array is given back, with the reason.
#[test]
fn refused_shapes_give_back_what_they_got() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    owner.attach(|token| {
        let refused = freeze(token, b"abc").with_shape(Format::BYTE, &[2, 2]).expect_err("too short");
        assert_eq!(refused.why(), LayoutError::BeyondEnd { end: 4, len: 3 });
        assert_eq!(refused.to_string(), "an element ends at byte 4 of a buffer of 3 bytes");
        assert!(refused.source().is_some());
        let buffer = refused.into_inner();
        let refused = buffer.with_layout(Layout::bytes(2)).expect_err("of another length");
        assert_eq!(refused.why(), LayoutError::OtherLength { layout: 2, buffer: 3 });
        assert_eq!(Vec::from(refused.into_inner().try_thaw(token).expect("nothing refers to it")), b"abc");

        let refused = Shaped::from_vec(token, vec![1_u32; 3], &[2, 2]).expect_err("too short");
        assert_eq!(refused.into_inner(), [1; 3]);
    });
}

/// A layout that is longer than the bytes, which only a runtime can make, reads nothing that is not there.
#[test]
fn a_runtimes_mistake_reads_nothing() {
    let _watchdog = watchdog();
    let array = array_of(&Interpreter::new(), |token| {
        let layout = Layout::contiguous(Format::BYTE, &[8], 8).expect("fits");
        Shaped::from_parts(freeze(token, b"short"), layout)
    });
    assert_eq!(array.as_slice::<u8>(), Err(AccessError::OtherLength { layout: 8, view: 5 }));
    assert_eq!(array.element(&[4]), Some(&b"t"[..]));
    panic_message(|| drop(array.element(&[5]).map(<[u8]>::to_vec)));
    panic_message(|| drop(array.values::<u8>().expect("bytes").collect::<Vec<_>>()));
}

/// A receiver passes a slice on: its view is the owner of a new buffer, and the layout goes along.
#[test]
fn a_slice_is_passed_on() {
    let _watchdog = watchdog();
    let (first, second) = (Interpreter::new(), Interpreter::new());
    let array = matrix(&first);
    let address = array.view().as_ptr();
    let (view, layout) = array.step_axis(1, None, None, -3).expect("a part").into_parts();
    drop(array);
    let array = array_of(&second, |token| Buffer::from_owner(token, view).with_layout(layout).expect("of that length"));
    assert_eq!(array.view().as_ptr(), address);
    assert_eq!((array.shape(), values(&array)), (&[3, 2][..], vec![3., 0., 7., 4., 11., 8.]));
}

/// Threads slice and read one array at once (G2).
#[test]
fn threads_share_an_array() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let array = matrix(&owner);
    thread::scope(|scope| {
        for row in 0..3 {
            let array = array.clone();
            scope.spawn(move || {
                let row_view = array.index_axis(0, row).expect("a row");
                drop(array);
                let first = (row * 4) as f64;
                assert_eq!(row_view.as_slice::<f64>(), Ok(&[first, first + 1., first + 2., first + 3.][..]));
            });
        }
        drop(array);
    });
    assert_acquired(&owner, &[(Cause::Attach, 1), (Cause::ViewCreation, 1), (Cause::ViewRelease, 1)]);
}

/// Slices that do not exist are refused, and leave no clone behind.
#[test]
fn refused_slices_cost_nothing() {
    let _watchdog = watchdog();
    let drops = Drops::default();
    let array = array_of(&Interpreter::new(), |token| {
        drops.buffer(token, b"abcd").with_shape(Format::BYTE, &[2, 2]).expect("fits")
    });
    assert_eq!(array.slice_axis(0, 1..3).map(drop), Err(SliceError::NoRange { from: 1, to: 3, len: 2 }));
    assert_eq!(array.index_axis(2, 0).map(drop), Err(SliceError::NoAxis { axis: 2, ndim: 2 }));
    assert_eq!(array.step_axis(0, None, None, 0).map(drop), Err(SliceError::NoStep));
    assert_eq!(array.permute_axes(&[0, 0]).map(drop), Err(SliceError::NoPermutation));
    drop(array);
    assert_eq!(drops.count(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever layout a buffer is sent with, the elements that arrive are the bytes that it names.
    #[test]
    fn elements_are_the_bytes_that_were_sent(
        axes in proptest::collection::vec((1..4_usize, -6..6_isize), 0..4),
        size in 1..4_usize,
        offset in 0..40_usize,
    ) {
        let (shape, strides): (Vec<usize>, Vec<isize>) = axes.into_iter().unzip();
        let bytes: Vec<u8> = (0..64).collect();
        let Ok(layout) = Layout::packed(format(&format!("{size}s")), &shape, Some(&strides), offset, 64) else {
            return Ok(());
        };
        let starts: Vec<usize> = layout.offsets().collect();
        let array = array_of(&Interpreter::new(), |token| {
            BufferMut::from(bytes.clone()).freeze(token).with_layout(layout.clone()).expect("of that length")
        });
        prop_assert_eq!(array.layout(), &layout);
        prop_assert_eq!(array.elements().len(), starts.len());
        for (element, start) in array.elements().zip(starts) {
            prop_assert_eq!(element, &bytes[start..start + size]);
        }
    }
}

/// A message without a layout is as small as before: the layout is one pointer more, and plain bytes have none.
#[test]
fn plain_messages_stay_plain() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = unbounded();
    common::send(&owner, &tx, b"plain");
    assert_eq!(recv(&rx), "plain");
    assert!(size_of::<ArrayView>() <= size_of::<viewchan::View>() + size_of::<usize>());
}

/// Arrays are for every runtime and strategy, not only for the reference ones; and go wherever views go.
#[test]
fn arrays_are_generic() {
    fn relay<R: viewchan::Runtime, S: viewchan::strategy::Strategy<R>>(
        token: &R::Token<'_>,
        (tx, rx): (viewchan::SendEnd<R, S>, ReceiveEnd<R, S>),
        buffer: Buffer<R>,
        layout: Layout,
    ) -> ArrayView<R, S> {
        assert!(tx.send(token, Shaped::from_parts(buffer, layout)).is_ok());
        rx.recv().expect("sent").into_array().expect("an array")
    }
    fn is_shared<T: Send + Sync>(_: &T) {}
    let _watchdog = watchdog();
    let array = Interpreter::new().attach(|token| relay(token, unbounded(), freeze(token, b"abc"), Layout::bytes(3)));
    assert_eq!(array.as_slice::<u8>(), Ok(&b"abc"[..]));
    is_shared(&array);
}
