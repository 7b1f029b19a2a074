//! Cases by hand: each refusal with its numbers, and the edges.

use viewchan::layout::{LayoutError, MAX_NDIM, SliceError};
use viewchan::{Format, Layout};

fn double() -> Format {
    Format::of::<f64>()
}

fn new(shape: &[usize], strides: &[isize], offset: usize, len: usize) -> Result<Layout, LayoutError> {
    Layout::new(double(), shape, Some(strides), offset, len)
}

/// Each way to reach outside is refused, by the byte.
#[test]
fn bounds_are_exact() {
    use LayoutError::{BeforeStart, BeyondEnd};
    assert!(new(&[3], &[8], 0, 24).is_ok());
    assert_eq!(new(&[3], &[8], 0, 23), Err(BeyondEnd { end: 24, len: 23 }));
    assert_eq!(new(&[3], &[8], 8, 24), Err(BeyondEnd { end: 32, len: 24 }));
    assert_eq!(new(&[3], &[16], 0, 24), Err(BeyondEnd { end: 40, len: 24 }));
    assert!(new(&[3], &[-8], 16, 24).is_ok());
    assert_eq!(new(&[3], &[-8], 8, 24), Err(BeforeStart { by: 8 }));
    assert_eq!(new(&[2, 2], &[-16, 8], 8, 64), Err(BeforeStart { by: 8 }));
    assert_eq!(new(&[2], &[isize::MIN], 0, 24), Err(BeforeStart { by: 1 << 63 }));
    assert_eq!(new(&[], &[], 24, 24), Err(BeyondEnd { end: 32, len: 24 }));
    assert_eq!(Layout::contiguous(double(), &[2, 2], 31), Err(BeyondEnd { end: 32, len: 31 }));
}

/// Products and sums that overflow are refused, not wrapped.
#[test]
fn overflow_is_refused() {
    use LayoutError::{BeyondEnd, BufferTooLong, TooLarge};
    for shape in [&[1_usize << 60][..], &[1 << 32, 1 << 32], &[usize::MAX], &[0, usize::MAX], &[1 << 62, 0, 1 << 62]] {
        assert_eq!(Layout::contiguous(double(), shape, 24), Err(TooLarge), "{shape:?}");
        assert_eq!(new(shape, &vec![0; shape.len()], 0, 24), Err(TooLarge), "{shape:?}");
    }
    // In 64 bits, the end would be 8.
    assert_eq!(new(&[3, 3], &[1 << 62, 1 << 62], 0, 24), Err(BeyondEnd { end: (1 << 64) + 8, len: 24 }));
    assert_eq!(new(&[1], &[8], usize::MAX, 24), Err(BeyondEnd { end: (1 << 64) + 7, len: 24 }));
    assert_eq!(new(&[1], &[8], 0, usize::MAX), Err(BufferTooLong { len: usize::MAX }));
}

/// An element of no dimension, no elements, and lengths of 1, whose strides mean nothing.
#[test]
fn edges_are_accepted() {
    let scalar = new(&[], &[], 16, 24).expect("one element");
    assert_eq!((scalar.len(), scalar.offset_of(&[]), scalar.extent()), (1, Some(16), 16..24));
    assert!(scalar.is_c_contiguous() && scalar.is_f_contiguous());

    let nothing = new(&[3, 0], &[isize::MAX, isize::MIN], 24, 24).expect("no element");
    assert_eq!((nothing.len(), nothing.nbytes(), nothing.extent()), (0, 0, 24..24));
    assert_eq!((nothing.offset_of(&[0, 0]), nothing.offsets().count()), (None, 0));
    assert_eq!(new(&[0], &[8], 25, 24), Err(LayoutError::BeyondEnd { end: 25, len: 24 }));
    assert_eq!(Layout::contiguous(double(), &[2, 0, 3], 0).expect("no element").strides(), [24, 24, 8]);

    let one = new(&[1, 1], &[isize::MIN, 3], 8, 16).expect("one element");
    assert_eq!((one.offset_of(&[0, 0]), one.offset_of(&[0, 1]), one.offset_of(&[0])), (Some(8), None, None));
    assert!(one.is_c_contiguous());
    let same = one.step_axis(0, None, None, isize::MIN).expect("a part");
    assert_eq!(same.offsets().collect::<Vec<_>>(), [8]);

    let broadcast = new(&[1000, 3], &[0, 8], 0, 24).expect("rows on top of each other");
    assert_eq!((broadcast.len(), broadcast.nbytes(), broadcast.extent()), (3000, 24_000, 0..24));
    assert!(!broadcast.is_c_contiguous());

    assert_eq!(Layout::bytes(7), Layout::contiguous(Format::BYTE, &[7], 7).expect("seven bytes"));
}

/// As many dimensions as NumPy has, and no more; as many strides as dimensions.
#[test]
fn dimensions_are_limited() {
    let most = vec![1; MAX_NDIM];
    assert_eq!(Layout::contiguous(double(), &most, 8).map(|layout| layout.len()), Ok(1));
    let refused = Layout::contiguous(double(), &vec![1; MAX_NDIM + 1], 8);
    assert_eq!(refused, Err(LayoutError::TooManyDimensions { ndim: 65 }));
    assert_eq!(new(&[1, 1], &[8], 0, 24), Err(LayoutError::StrideCount { ndim: 2, strides: 1 }));
    assert_eq!(new(&[], &[8], 0, 24), Err(LayoutError::StrideCount { ndim: 0, strides: 1 }));
}

/// Where a number would not be aligned, `new` says which part is wrong, and `packed` lets it be.
#[test]
fn alignment_is_refused_or_packed() {
    let format: Format = "<i4".parse().expect("known");
    for (strides, offset, why) in [
        ([8, 4], 2, LayoutError::MisalignedOffset { offset: 2, alignment: 4 }),
        ([8, 6], 0, LayoutError::MisalignedStride { axis: 1, stride: 6, alignment: 4 }),
        ([-9, 4], 12, LayoutError::MisalignedStride { axis: 0, stride: -9, alignment: 4 }),
    ] {
        assert_eq!(Layout::new(format, &[2, 2], Some(&strides), offset, 64), Err(why));
        let packed = Layout::packed(format, &[2, 2], Some(&strides), offset, 64).expect("within the buffer");
        assert!(!packed.is_aligned());
    }
    // A stride that leads nowhere, and no elements at all, are never out of line.
    assert!(Layout::new(format, &[1, 2], Some(&[3, 4]), 0, 8).is_ok());
    assert!(Layout::new(format, &[0, 2], Some(&[3, 5]), 1, 8).is_ok());
    // One byte is aligned anywhere, and so is a string.
    assert!(Layout::new("5s".parse().expect("known"), &[3], Some(&[7]), 1, 20).is_ok());
}

/// Python's slices, all of them for short axes: against what Python 3 says, condensed to one number.
#[test]
fn steps_are_pythons() {
    let places = || std::iter::once(None).chain((-5..=5).map(Some));
    let (mut slices, mut digest) = (0, 0_u128);
    for len in 0..4 {
        let layout = Layout::bytes(len);
        for start in places() {
            for stop in places() {
                for step in [-3, -2, -1, 1, 2, 3] {
                    let part = layout.step_axis(0, start, stop, step).expect("steps somewhere");
                    slices += 1;
                    for value in std::iter::once(part.len()).chain(part.offsets()) {
                        digest = (digest * 31 + value as u128 + 1) % (1 << 61);
                    }
                }
            }
        }
    }
    // h = 0
    // for each slice x = list(range(len)[start:stop:step]), in the order above:
    //     for v in [len(x)] + x: h = (h * 31 + v + 1) % 2**61
    assert_eq!((slices, digest), (3456, 1760640756407144958));
}

/// Parts that do not exist are refused, with the numbers as they were asked for.
#[test]
#[expect(clippy::reversed_empty_ranges, reason = "that they are refused is the point")]
fn parts_that_do_not_exist() {
    use SliceError::{NoAxis, NoIndex, NoPermutation, NoRange, NoStep};
    let layout = Layout::contiguous(double(), &[3, 4], 96).expect("fits");
    assert_eq!(layout.slice_axis(2, ..), Err(NoAxis { axis: 2, ndim: 2 }));
    assert_eq!(layout.step_axis(2, None, None, 1), Err(NoAxis { axis: 2, ndim: 2 }));
    assert_eq!(layout.step_axis(1, None, None, 0), Err(NoStep));
    assert_eq!(layout.index_axis(0, 3), Err(NoIndex { index: 3, len: 3 }));
    assert_eq!(layout.slice_axis(0, 1..4), Err(NoRange { from: 1, to: 4, len: 3 }));
    assert_eq!(layout.slice_axis(0, 2..1), Err(NoRange { from: 2, to: 1, len: 3 }));
    assert_eq!(layout.slice_axis(0, 4..), Err(NoRange { from: 4, to: 3, len: 3 }));
    assert_eq!(layout.slice_axis(1, ..=usize::MAX), Err(NoRange { from: 0, to: usize::MAX, len: 4 }));
    for axes in [&[0][..], &[0, 0], &[0, 2], &[0, 1, 1], &[]] {
        assert_eq!(layout.permute_axes(axes), Err(NoPermutation), "{axes:?}");
    }
    assert_eq!(layout.permute_axes(&[1, 0]), Ok(layout.transpose()));
}

/// An empty part stays within the buffer, wherever it was cut, and so do parts of it.
#[test]
fn empty_parts_stay_inside() {
    let layout = Layout::contiguous(double(), &[3, 4], 96).expect("fits");
    let nothing = layout.slice_axis(0, 3..).expect("empty");
    assert_eq!((nothing.shape(), nothing.offset()), (&[0, 4][..], 0));
    let part = nothing.index_axis(1, 3).and_then(|part| part.step_axis(0, None, None, -1)).expect("empty as well");
    assert_eq!((part.shape(), part.extent()), (&[0][..], 0..0));
}

/// The messages have the numbers, and units.
#[test]
fn errors_are_readable() {
    let refused = |result: Result<Layout, LayoutError>| result.expect_err("refused").to_string();
    assert_eq!(refused(new(&[3], &[-8], 8, 24)), "an element starts 8 bytes before the buffer");
    assert_eq!(refused(new(&[3], &[8], 8, 24)), "an element ends at byte 32 of a buffer of 24 bytes");
    assert_eq!(
        refused(new(&[3], &[9], 0, 64)),
        "the stride 9 of axis 0 is no multiple of 8, the alignment of the format"
    );
    let layout = Layout::bytes(4);
    let refused = layout.slice_axis(0, 2..7).expect_err("refused").to_string();
    assert_eq!(refused, "the range 2..7 is not within an axis of length 4");
}
