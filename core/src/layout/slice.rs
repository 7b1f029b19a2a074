//! Parts of a layout. Each is a choice among its elements, so nothing needs to be checked against the buffer again.

use super::{Layout, SliceError};
use core::ops::{Bound, RangeBounds};

impl Layout {
    /// The part within a range of an axis. The format, and every other axis, stay as they are.
    ///
    /// # Errors
    ///
    /// [`SliceError::NoAxis`], or [`SliceError::NoRange`] if the range reaches beyond the axis or ends before it starts.
    pub fn slice_axis(&self, axis: usize, range: impl RangeBounds<usize>) -> Result<Self, SliceError> {
        let len = self.axis_len(axis)?;
        // A bound beyond usize is beyond every axis: saturated, it is refused below, or shown as it is if it is the start.
        let from = match range.start_bound() {
            Bound::Included(&from) => Some(from),
            Bound::Excluded(&before) => before.checked_add(1),
            Bound::Unbounded => Some(0),
        };
        let to = match range.end_bound() {
            Bound::Included(&last) => last.checked_add(1),
            Bound::Excluded(&to) => Some(to),
            Bound::Unbounded => Some(len),
        };
        match (from, to) {
            (Some(from), Some(to)) if from <= to && to <= len => Ok(self.choose(axis, from, 1, to - from)),
            _ => Err(SliceError::NoRange { from: from.unwrap_or(usize::MAX), to: to.unwrap_or(usize::MAX), len }),
        }
    }

    /// The part that Python's `[start:stop:step]` takes along an axis, with Python's rules.
    ///
    /// Negative positions count from the end; positions beyond an end are moved to it; a negative step goes backwards, from
    /// the end if there is no start, to the beginning and including it if there is no stop.
    ///
    /// # Errors
    ///
    /// [`SliceError::NoAxis`], or [`SliceError::NoStep`] if the step is 0.
    pub fn step_axis(
        &self,
        axis: usize,
        start: Option<isize>,
        stop: Option<isize>,
        step: isize,
    ) -> Result<Self, SliceError> {
        let axis_len = self.axis_len(axis)?;
        if step == 0 {
            return Err(SliceError::NoStep);
        }
        let len = axis_len as i128; // At most isize::MAX. The sums below need some room.
        let (lowest, highest) = if step > 0 { (0, len) } else { (-1, len - 1) };
        let place = |position: isize| {
            let position = position as i128;
            (if position < 0 { position + len } else { position }).clamp(lowest, highest)
        };
        let (first, last) = if step > 0 { (lowest, highest) } else { (highest, lowest) };
        let (start, stop) = (start.map_or(first, place), stop.map_or(last, place));
        let distance = if step > 0 { stop - start } else { start - stop };
        if distance <= 0 {
            return Ok(self.choose(axis, 0, 1, 0));
        }
        // At least one element, so `start` is an index; and not more than the axis has.
        let count = (distance - 1) / (step as i128).abs() + 1;
        Ok(self.choose(axis, start as usize, step, count as usize))
    }

    /// The part at one index of an axis, without that axis.
    ///
    /// # Errors
    ///
    /// [`SliceError::NoAxis`] or [`SliceError::NoIndex`].
    pub fn index_axis(&self, axis: usize, index: usize) -> Result<Self, SliceError> {
        let len = self.axis_len(axis)?;
        if index >= len {
            return Err(SliceError::NoIndex { index, len });
        }
        let chosen = self.choose(axis, index, 1, 1);
        let without = |position: &usize| *position != axis;
        let rest = || (0..self.ndim()).filter(without);
        Ok(Self {
            shape: rest().map(|axis| self.shape[axis]).collect(),
            strides: rest().map(|axis| self.strides[axis]).collect(),
            ..chosen
        })
    }

    /// The axes in another order: `axes[i]` becomes axis `i`.
    ///
    /// # Errors
    ///
    /// [`SliceError::NoPermutation`] unless every axis is named exactly once.
    pub fn permute_axes(&self, axes: &[usize]) -> Result<Self, SliceError> {
        let mut named = vec![false; self.ndim()];
        for &axis in axes {
            match named.get_mut(axis) {
                Some(named) if !*named => *named = true,
                _ => return Err(SliceError::NoPermutation),
            }
        }
        if axes.len() != self.ndim() {
            return Err(SliceError::NoPermutation);
        }
        Ok(Self {
            shape: axes.iter().map(|&axis| self.shape[axis]).collect(),
            strides: axes.iter().map(|&axis| self.strides[axis]).collect(),
            ..*self
        })
    }

    /// The axes in the opposite order.
    #[must_use]
    pub fn transpose(&self) -> Self {
        let mut transposed = self.clone();
        transposed.shape.reverse();
        transposed.strides.reverse();
        transposed
    }

    fn axis_len(&self, axis: usize) -> Result<usize, SliceError> {
        self.shape.get(axis).copied().ok_or(SliceError::NoAxis { axis, ndim: self.ndim() })
    }

    /// The elements at `start`, `start + step`, … of an axis, `count` of them. All are there: the callers see to it.
    fn choose(&self, axis: usize, start: usize, step: isize, count: usize) -> Self {
        let mut chosen = self.clone();
        chosen.shape[axis] = count;
        if chosen.is_empty() {
            // There is no first element to move to; the offset stays within the buffer.
            return chosen;
        }
        // `start` is an index of `axis`, and all other indices can be 0: the distance of two elements, see `offset_of`.
        let first = start as isize * self.strides[axis];
        chosen.offset = self.offset.wrapping_add_signed(first);
        if count > 1 {
            // Distance of two elements as well. With one element, the stride means nothing.
            chosen.strides[axis] = self.strides[axis] * step;
        }
        chosen
    }
}
