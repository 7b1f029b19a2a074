//! Checks and slices with one mistake each, which the properties must refute: they can fail.

use super::oracle::{agrees_with_brute_force, agrees_with_exact_sums, slices_agree};
use super::reference::{Cut, Descriptor, Model, cut};
use proptest::test_runner::TestError;
use viewchan::{Format, Layout};

/// The lowest start and the highest end, as a correct check computes them, for the incorrect ones to spoil.
fn reach(descriptor: &Descriptor, span: impl Fn(i128, i128) -> i128) -> (i128, i128) {
    let strides = descriptor.some_strides();
    let spans = descriptor.shape.iter().zip(&strides).map(|(&len, &stride)| span(len as i128, stride as i128));
    let (down, up): (Vec<i128>, Vec<i128>) = spans.partition(|span| *span < 0);
    let offset = descriptor.offset as i128;
    (offset + down.iter().sum::<i128>(), offset + up.iter().sum::<i128>() + descriptor.itemsize())
}

fn right_span(len: i128, stride: i128) -> i128 {
    (len - 1) * stride
}

fn is_empty(descriptor: &Descriptor) -> bool {
    descriptor.shape.contains(&0)
}

/// Wrong checks, each by one mistake that somebody could make, and the right one that they are made from.
#[test]
fn wrong_checks_are_refuted() {
    type Check = fn(&Descriptor) -> bool;
    let within = |(lowest, end): (i128, i128), descriptor: &Descriptor| 0 <= lowest && end <= descriptor.len as i128;
    let right = |descriptor: &Descriptor| {
        if is_empty(descriptor) {
            descriptor.offset <= descriptor.len
        } else {
            within(reach(descriptor, right_span), descriptor)
        }
    };
    agrees_with_brute_force(2_000, right).expect("the check to be spoiled is right");

    let wrong: [(&str, Check); 9] = [
        ("negative strides are ignored", |d| {
            if is_empty(d) { d.offset <= d.len } else { reach(d, right_span).1 <= d.len as i128 }
        }),
        ("negative strides count as positive", |d| {
            if is_empty(d) {
                return d.offset <= d.len;
            }
            reach(d, |len, stride| (len - 1) * stride.abs()).1 <= d.len as i128
        }),
        ("only the first byte of the last element", |d| {
            if is_empty(d) {
                return d.offset <= d.len;
            }
            let (lowest, end) = reach(d, right_span);
            0 <= lowest && end - d.itemsize() < d.len as i128
        }),
        ("only the first and the last index", |d| {
            if is_empty(d) {
                return d.offset <= d.len;
            }
            let last = d.shape.iter().zip(d.some_strides()).map(|(&len, stride)| (len as i128 - 1) * stride as i128);
            let (first, last) = (d.offset as i128, d.offset as i128 + last.sum::<i128>());
            0 <= first.min(last) && first.max(last) + d.itemsize() <= d.len as i128
        }),
        ("the offset is forgotten", |d| {
            if is_empty(d) {
                return d.offset <= d.len;
            }
            let (lowest, end) = reach(d, right_span);
            0 <= lowest && end - d.offset as i128 <= d.len as i128
        }),
        ("a length is taken for the last index", |d| {
            if is_empty(d) {
                return d.offset <= d.len;
            }
            let (lowest, end) = reach(d, |len, stride| len * stride);
            0 <= lowest && end <= d.len as i128
        }),
        ("an empty array is taken for one with an element", |d| {
            let (lowest, end) = reach(d, |len, stride| (len - 1).max(0) * stride);
            0 <= lowest && end <= d.len as i128
        }),
        ("an empty array may be anywhere", |d| {
            let (lowest, end) = reach(d, right_span);
            is_empty(d) || (0 <= lowest && end <= d.len as i128)
        }),
        ("the number of bytes is compared, strides are not", |d| {
            d.offset as i128 + d.shape.iter().product::<usize>() as i128 * d.itemsize() <= d.len as i128
        }),
    ];
    for (mistake, check) in wrong {
        match agrees_with_brute_force(20_000, check) {
            Err(TestError::Fail(..)) => {}
            other => panic!("not refuted: {mistake}: {other:?}"),
        }
    }
}

/// A check whose products wrap at 64 bits is refuted.
#[test]
fn wrapping_products_are_refuted() {
    let sums = |d: &Descriptor, span: fn(i64, i64) -> i128| {
        // The rest, as the real one has it: what is left to see is the arithmetic.
        let room =
            Descriptor { strides: Some(vec![0; d.shape.len()]), offset: 0, len: isize::MAX as usize, ..d.clone() };
        if room.packed().is_err() || isize::try_from(d.len).is_err() || is_empty(d) || d.strides.is_none() {
            return d.packed().is_ok();
        }
        let (lowest, end) = reach(d, |len, stride| span(len as i64, stride as i64));
        0 <= lowest && end <= d.len as i128
    };
    let exact = |d: &Descriptor| sums(d, |len, stride| (len as i128 - 1) * stride as i128);
    agrees_with_exact_sums(2_000, exact).expect("the check to be spoiled is right");
    let wrapping = |d: &Descriptor| sums(d, |len, stride| (len - 1).wrapping_mul(stride) as i128);
    let refuted = agrees_with_exact_sums(20_000, wrapping);
    assert!(matches!(refuted, Err(TestError::Fail(..))), "not refuted: {refuted:?}");
}

/// Slices that forget a part of the descriptor are refuted.
#[test]
fn wrong_slices_are_refuted() {
    type Spoil = fn(&Layout, &Layout) -> Layout;
    let wrong: [(&str, Spoil); 4] = [
        ("the offset stays", |whole, part| spoiled(part, part.strides(), whole.offset(), part.format())),
        ("strides become those of C order", |_, part| {
            let c_order = Layout::packed(part.format(), part.shape(), None, 0, part.buffer_len());
            spoiled(part, c_order.as_ref().map_or(part.strides(), Layout::strides), part.offset(), part.format())
        }),
        ("strides lose their sign", |_, part| {
            let strides: Vec<isize> = part.strides().iter().map(|stride| stride.abs()).collect();
            spoiled(part, &strides, part.offset(), part.format())
        }),
        ("the format becomes bytes", |_, part| spoiled(part, part.strides(), part.offset(), Format::BYTE)),
    ];
    for (mistake, spoil) in wrong {
        let cut = |layout: &Layout, model: &Model, step: &Cut| {
            let (part, model) = cut(layout, model, step)?;
            Some((spoil(layout, &part), model))
        };
        match slices_agree(10_000, cut) {
            Err(TestError::Fail(..)) => {}
            other => panic!("not refuted: {mistake}: {other:?}"),
        }
    }
}

/// The part with something else in it, where that is still a layout.
fn spoiled(part: &Layout, strides: &[isize], offset: usize, format: Format) -> Layout {
    Layout::packed(format, part.shape(), Some(strides), offset, part.buffer_len()).unwrap_or(part.clone())
}
