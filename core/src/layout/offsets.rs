//! Going through the elements.

use super::Layout;
use core::iter::FusedIterator;

/// Iterator over the start of each element, in bytes from the start of the buffer. See [`Layout::offsets`].
#[derive(Clone, Debug)]
pub struct Offsets<'a> {
    layout: &'a Layout,
    /// Index of the next element, if one is left.
    index: Box<[usize]>,
    /// Its start.
    offset: usize,
    left: usize,
}

impl<'a> Offsets<'a> {
    pub(super) fn new(layout: &'a Layout) -> Self {
        let index = vec![0; layout.ndim()].into_boxed_slice();
        Self { layout, index, offset: layout.offset, left: layout.len() }
    }

    /// Goes to the next index in C order. Behind the last one comes the first.
    fn advance(&mut self) {
        let axes = self.layout.shape.iter().zip(&self.layout.strides);
        for (index, (&len, &stride)) in self.index.iter_mut().zip(axes).rev() {
            // On the way, `offset` is always that of some element: nothing overflows.
            if *index + 1 < len {
                *index += 1;
                self.offset = self.offset.wrapping_add_signed(stride);
                return;
            }
            self.offset = self.offset.wrapping_add_signed(-(*index as isize * stride));
            *index = 0;
        }
    }
}

impl Iterator for Offsets<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let offset = self.offset;
        self.advance();
        Some(offset)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Offsets<'_> {}
impl FusedIterator for Offsets<'_> {}
