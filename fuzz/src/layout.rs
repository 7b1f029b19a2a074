//! Bytes as a layout's descriptor, or as a format.

use super::{Code, planted};
use arbitrary::Unstructured;
use reference::{Cut, Model, cut, exact, roomy, same};
use viewchan::Format;

#[path = "../../tests/layout/reference.rs"]
#[allow(dead_code, reason = "the tests of layouts use the rest")]
mod reference;

pub(super) use reference::Descriptor;

const FORMATS: [&str; 6] = ["B", "<i2", ">u4", "d", "Zf", "3s"];

/// Most dimensions of an array whose elements are gone through, and longest axis.
const MOST_DIMENSIONS: u8 = 4;
const LONGEST_AXIS: u8 = 4;

/// The byte for a place that is not given.
const ABSENT: isize = i8::MIN as isize;

/// Reads a descriptor, and holds what the library says of it against brute force; or a format, which must come back
/// as it was written.
pub fn layout(bytes: &[u8], code: Code) {
    let mut input = Unstructured::new(bytes);
    match byte(&mut input) % 3 {
        0 => format(input.take_rest()),
        1 => small(&mut input, code),
        _ => huge(&mut input, code),
    }
}

/// The next byte, 0 behind the last.
fn byte(input: &mut Unstructured<'_>) -> u8 {
    number(input)
}

fn number<'a, T: arbitrary::Arbitrary<'a> + Default>(input: &mut Unstructured<'a>) -> T {
    input.arbitrary().unwrap_or_default()
}

fn format(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(format) = text.parse::<Format>() {
        assert!(format.itemsize() >= 1 && format.alignment() <= format.itemsize());
        assert_eq!(format.to_string().parse(), Ok(format));
        assert_eq!(format.to_pep3118().parse(), Ok(format));
    }
}

fn element(input: &mut Unstructured<'_>) -> Format {
    let text = FORMATS[usize::from(byte(input)) % FORMATS.len()];
    text.parse().expect("a known format")
}

/// An array whose elements can be gone through, and parts of it.
fn small(input: &mut Unstructured<'_>, code: Code) {
    let format = element(input);
    let ndim = byte(input) % (MOST_DIMENSIONS + 1);
    let (has_strides, offset, len) = (byte(input) % 2 == 1, byte(input) % 64, byte(input));
    let axis = |_| (usize::from(byte(input) % (LONGEST_AXIS + 1)), isize::from(number::<i8>(input)));
    let (shape, strides): (Vec<usize>, Vec<isize>) = (0..ndim).map(axis).unzip();
    let (offset, len) = (offset.into(), len.into());
    let descriptor = Descriptor { format, shape, strides: has_strides.then_some(strides), offset, len };
    assert_eq!(accepts(&descriptor, code), descriptor.is_inside(), "inside, by brute force: {descriptor:?}");
    assert_eq!(descriptor.layout().is_ok(), descriptor.is_inside() && descriptor.is_aligned(), "{descriptor:?}");

    let descriptor = roomy(descriptor);
    let mut layout = descriptor.packed().expect("there is room");
    let mut model = Model { shape: descriptor.shape.clone(), starts: descriptor.starts() };
    for step in std::iter::from_fn(|| next_cut(input)).take(8) {
        same(&layout, &model).unwrap_or_else(|wrong| panic!("{wrong}: {descriptor:?}"));
        let Some(part) = cut(&layout, &model, &step) else { continue };
        (layout, model) = part;
    }
    same(&layout, &model).unwrap_or_else(|wrong| panic!("{wrong}: {descriptor:?}"));
}

fn next_cut(input: &mut Unstructured<'_>) -> Option<Cut> {
    if input.is_empty() {
        return None;
    }
    let kind = byte(input) % 5;
    let mut small = || usize::from(byte(input) % 8);
    Some(match kind {
        0 => Cut::Transpose,
        1 => Cut::Range(small(), small(), small()),
        2 => Cut::Index(small(), small()),
        3 => Cut::Permute(small()),
        _ => {
            let axis = small();
            let mut place = || Some(isize::from(number::<i8>(input))).filter(|&place| place != ABSENT);
            let (start, stop) = (place(), place());
            let step = place().filter(|&step| step != 0).unwrap_or(isize::MIN);
            Cut::Step(axis, start, stop, step)
        }
    })
}

/// Numbers of any magnitude.
fn huge(input: &mut Unstructured<'_>, code: Code) {
    let format = element(input);
    let (ndim, has_strides) = (byte(input) % 68, byte(input) % 2 == 1);
    let (offset, len) = (number(input), number::<usize>(input));
    let (shape, strides): (Vec<usize>, Vec<isize>) =
        (0..ndim).map(|_| (number::<usize>(input), number::<isize>(input))).unzip();
    let descriptor = Descriptor { format, shape, strides: has_strides.then_some(strides), offset, len };
    assert_eq!(accepts(&descriptor, code), exact(&descriptor) == Some(true), "inside, by exact sums: {descriptor:?}");
    if let Ok(layout) = descriptor.packed() {
        let (extent, last) =
            (layout.extent(), layout.shape().iter().map(|len| len.wrapping_sub(1)).collect::<Vec<_>>());
        assert!(extent.start <= extent.end && extent.end <= len);
        assert!(layout.offset_of(&last).is_none_or(|start| extent.contains(&start)), "{descriptor:?}");
    }
}

fn accepts(descriptor: &Descriptor, code: Code) -> bool {
    match code {
        Code::Shipped => descriptor.packed().is_ok(),
        Code::Planted => planted::accepts(descriptor),
    }
}
