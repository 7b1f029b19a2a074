//! Brute force: what layouts and slices should be, by going through all elements. Nothing random is here: the fuzz
//! target of the same name uses it as well.

use std::fmt::Debug;
use viewchan::layout::{LayoutError, MAX_NDIM};
use viewchan::{Format, Layout};

/// What somebody says where the elements are.
#[derive(Clone, Debug)]
pub(crate) struct Descriptor {
    pub(crate) format: Format,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Option<Vec<isize>>,
    pub(crate) offset: usize,
    pub(crate) len: usize,
}

impl Descriptor {
    pub(crate) fn layout(&self) -> Result<Layout, LayoutError> {
        Layout::new(self.format, &self.shape, self.strides.as_deref(), self.offset, self.len)
    }

    pub(crate) fn packed(&self) -> Result<Layout, LayoutError> {
        Layout::packed(self.format, &self.shape, self.strides.as_deref(), self.offset, self.len)
    }

    pub(crate) fn itemsize(&self) -> i128 {
        self.format.itemsize() as i128
    }

    /// Where each element starts, in C order, by going through all of them.
    pub(crate) fn starts(&self) -> Vec<i128> {
        let indices = indices(&self.shape);
        let Some(strides) = &self.strides else {
            return (0..indices.len() as i128).map(|place| self.offset as i128 + place * self.itemsize()).collect();
        };
        let start = |index: Vec<usize>| {
            let steps = index.iter().zip(strides).map(|(&index, &stride)| index as i128 * stride as i128);
            self.offset as i128 + steps.sum::<i128>()
        };
        indices.into_iter().map(start).collect()
    }

    /// Whether every byte of every element is in the buffer; of no elements, whether the offset is.
    pub(crate) fn is_inside(&self) -> bool {
        let bytes = 0..self.len as i128;
        let starts = self.starts();
        if starts.is_empty() {
            return self.offset <= self.len;
        }
        starts.iter().all(|start| (*start..start + self.itemsize()).all(|byte| bytes.contains(&byte)))
    }

    pub(crate) fn is_aligned(&self) -> bool {
        self.starts().iter().all(|start| start % self.format.alignment() as i128 == 0)
    }

    /// Strides, those of C order if none are given, for small shapes.
    pub(crate) fn some_strides(&self) -> Vec<isize> {
        self.strides.clone().unwrap_or_else(|| {
            let stride = |axis: usize| self.shape[axis + 1..].iter().map(|len| len.max(&1)).product::<usize>();
            (0..self.shape.len()).map(|axis| (stride(axis) * self.format.itemsize()) as isize).collect()
        })
    }
}

/// All indices of a shape, in C order.
pub(crate) fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut indices = vec![Vec::new()];
    for &len in shape {
        let longer = |index: &Vec<usize>| (0..len).map(|last| [&index[..], &[last]].concat()).collect::<Vec<_>>();
        indices = indices.iter().flat_map(longer).collect();
    }
    indices
}

/// What [`Layout::packed`] has to say, with every overflow noticed.
pub(crate) fn exact(descriptor: &Descriptor) -> Option<bool> {
    let Descriptor { format, shape, offset, len, .. } = descriptor;
    let most = isize::MAX as i128;
    let mut c_strides = vec![0; shape.len()];
    let mut bytes = format.itemsize() as i128;
    for (axis, &len) in shape.iter().enumerate().rev() {
        c_strides[axis] = bytes as isize;
        bytes = bytes.checked_mul(len.max(1) as i128)?;
        if bytes > most {
            return None;
        }
    }
    if shape.len() > MAX_NDIM || *len as i128 > most {
        return None;
    }
    if shape.contains(&0) {
        return Some(offset <= len);
    }
    let strides = descriptor.strides.as_ref().unwrap_or(&c_strides);
    let (mut lowest, mut end) = (*offset as i128, (*offset as i128).checked_add(format.itemsize() as i128)?);
    for (&len, &stride) in shape.iter().zip(strides) {
        let span = (len as i128 - 1).checked_mul(stride as i128)?;
        let moved = if span < 0 { &mut lowest } else { &mut end };
        *moved = moved.checked_add(span)?;
    }
    Some(0 <= lowest && end <= *len as i128)
}

/// One step in cutting an array up. Numbers are reduced to what there is.
#[derive(Clone, Debug)]
pub(crate) enum Cut {
    Range(usize, usize, usize),
    Step(usize, Option<isize>, Option<isize>, isize),
    Index(usize, usize),
    Permute(usize),
    Transpose,
}

/// An array as its shape and where each element is.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) shape: Vec<usize>,
    pub(crate) starts: Vec<i128>,
}

impl Model {
    /// The array of another shape, whose element at an index is the one here at `old(index)`.
    pub(crate) fn rearranged(&self, shape: Vec<usize>, old: impl Fn(&[usize]) -> Vec<usize>) -> Self {
        let start = |index: Vec<usize>| {
            let place = old(&index).iter().zip(&self.shape).fold(0, |place, (index, len)| place * len + index);
            self.starts[place]
        };
        Self { starts: indices(&shape).into_iter().map(start).collect(), shape }
    }

    /// The array with only these indices along an axis.
    pub(crate) fn chosen(&self, axis: usize, chosen: &[usize]) -> Self {
        let mut shape = self.shape.clone();
        shape[axis] = chosen.len();
        self.rearranged(shape, |index| {
            let mut old = index.to_vec();
            old[axis] = chosen[index[axis]];
            old
        })
    }
}

/// The indices that Python's `range(len)[start:stop:step]` has.
pub(crate) fn python(len: usize, start: Option<isize>, stop: Option<isize>, step: isize) -> Vec<usize> {
    let end = len as i128;
    let wrap = |place: isize| if place < 0 { place as i128 + end } else { place as i128 };
    let mut chosen = Vec::new();
    if step > 0 {
        let mut index = start.map_or(0, wrap).max(0);
        while index < stop.map_or(end, wrap).min(end) {
            chosen.push(index as usize);
            index += step as i128;
        }
    } else {
        let mut index = start.map_or(end - 1, wrap).min(end - 1);
        while index > stop.map_or(-1, wrap).max(-1) {
            chosen.push(index as usize);
            index += step as i128;
        }
    }
    chosen
}

/// The axes in some order.
pub(crate) fn permutation(ndim: usize, mut number: usize) -> Vec<usize> {
    let mut left: Vec<usize> = (0..ndim).collect();
    let mut axes = Vec::new();
    while !left.is_empty() {
        axes.push(left.remove(number % left.len()));
        number /= ndim;
    }
    axes
}

/// Cuts the layout and the model alike. `None` if there is nothing to cut along.
pub(crate) fn cut(layout: &Layout, model: &Model, cut: &Cut) -> Option<(Layout, Model)> {
    let ndim = layout.ndim();
    if let Cut::Transpose = cut {
        let shape = model.shape.iter().rev().copied().collect();
        return Some((layout.transpose(), model.rearranged(shape, |index| index.iter().rev().copied().collect())));
    }
    if ndim == 0 {
        return None;
    }
    let pair = match *cut {
        Cut::Range(axis, from, to) => {
            let (axis, len) = (axis % ndim, model.shape[axis % ndim]);
            let (from, to) = (from.min(to).min(len), from.max(to).min(len));
            (layout.slice_axis(axis, from..to), model.chosen(axis, &(from..to).collect::<Vec<_>>()))
        }
        Cut::Step(axis, start, stop, step) => {
            let axis = axis % ndim;
            let chosen = python(model.shape[axis], start, stop, step);
            (layout.step_axis(axis, start, stop, step), model.chosen(axis, &chosen))
        }
        Cut::Index(axis, index) => {
            let axis = axis % ndim;
            let index = index.checked_rem(model.shape[axis])?;
            let mut shape = model.shape.clone();
            shape.remove(axis);
            let with = |rest: &[usize]| [&rest[..axis], &[index], &rest[axis..]].concat();
            (layout.index_axis(axis, index), model.rearranged(shape, with))
        }
        Cut::Permute(number) => {
            let axes = permutation(ndim, number);
            let shape = axes.iter().map(|&axis| model.shape[axis]).collect();
            let back = |index: &[usize]| {
                (0..ndim).map(|axis| index[axes.iter().position(|&a| a == axis).expect("a permutation")]).collect()
            };
            (layout.permute_axes(&axes), model.rearranged(shape, back))
        }
        Cut::Transpose => unreachable!("done above"),
    };
    Some((pair.0.expect("the part exists"), pair.1))
}

/// Everything that a layout says, against the model.
pub(crate) fn same(layout: &Layout, model: &Model) -> Result<(), String> {
    let size = layout.format().itemsize() as i128;
    equal("shape", layout.shape(), &model.shape[..])?;
    equal("dimensions", (layout.ndim(), layout.strides().len()), (model.shape.len(), model.shape.len()))?;
    equal("len", (layout.len(), layout.is_empty()), (model.starts.len(), model.starts.is_empty()))?;
    equal("nbytes", layout.nbytes() as i128, model.starts.len() as i128 * size)?;
    equal("offsets", &layout.offsets().map(|offset| offset as i128).collect::<Vec<_>>(), &model.starts)?;
    for (index, start) in indices(&model.shape).iter().zip(&model.starts) {
        equal("offset_of", layout.offset_of(index).map(|offset| offset as i128), Some(*start))?;
    }
    let extent = layout.extent();
    equal("extent within the buffer", extent.end <= layout.buffer_len(), true)?;
    match (model.starts.iter().min(), model.starts.iter().max()) {
        (Some(lowest), Some(highest)) => {
            equal("extent", (extent.start as i128, extent.end as i128), (*lowest, highest + size))?;
        }
        _ => equal("extent is empty", extent.is_empty(), true)?,
    }
    let follow = |starts: &[i128]| starts.windows(2).all(|pair| pair[1] - pair[0] == size);
    equal("is_c_contiguous", layout.is_c_contiguous(), follow(&model.starts))?;
    let shape = model.shape.iter().rev().copied().collect();
    let transposed = model.rearranged(shape, |index| index.iter().rev().copied().collect());
    equal("is_f_contiguous", layout.is_f_contiguous(), follow(&transposed.starts))?;
    let alignment = layout.format().alignment() as i128;
    equal("is_aligned", layout.is_aligned(), model.starts.iter().all(|start| start % alignment == 0))
}

fn equal<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?}, but {expected:?} by brute force")) }
}

/// The descriptor, moved and with a buffer long enough to be accepted.
pub(crate) fn roomy(mut descriptor: Descriptor) -> Descriptor {
    let lowest = descriptor.starts().into_iter().min().unwrap_or(0);
    if lowest < 0 {
        descriptor.offset += lowest.unsigned_abs() as usize;
    }
    let ends = descriptor.starts().into_iter().map(|start| start + descriptor.itemsize());
    descriptor.len = ends.max().unwrap_or(descriptor.offset as i128) as usize;
    descriptor
}
