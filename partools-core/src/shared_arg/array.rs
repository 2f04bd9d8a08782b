//! Views of `ndarray` arrays as shared arguments: a piece of memory, and a shape.
//!
//! A view in standard layout (rows behind one another, nothing between) lies as it is, and nothing is copied here. Any
//! other (a transposed one, every second column) is gathered once, in the order of its indices; on the far side it is in
//! standard layout.

use super::{Attach, Layout, SharedArg};
use crate::shared::{LendView, Shared, ViewOf};
use crate::wire::WireError;
use bytemuck::Pod;
use ndarray::{ArrayView, Dimension, IxDyn};

impl<'a, T, D: Dimension> LendView<'a> for ArrayView<'_, T, D> {
    type View = ArrayView<'a, T, D>;
}
impl<T, D: Dimension> Shared for ArrayView<'_, T, D> {
    fn view(&self) -> ArrayView<'_, T, D> {
        self.clone().reborrow()
    }
}

/// With the feature `ndarray`.
///
/// ```
/// use ndarray::Array2;
/// use partools_core::{Loopback, over};
/// let matrix = Array2::from_shape_fn((3, 4), |(row, column)| (10 * row + column) as f64);
/// let job = over(0..3).shared(matrix.view()).map(|row, matrix| matrix.row(row).sum());
/// assert_eq!(job.run(&Loopback)?, [6.0, 46.0, 86.0]);
/// # Ok::<(), partools_core::Error>(())
/// ```
impl<T: Pod, D: Dimension> SharedArg for ArrayView<'_, T, D> {
    type Attached<'m> = ArrayView<'m, T, D>;

    fn lay<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        out.value(&self.shape().to_vec())?;
        match self.to_slice() {
            Some(slice) => out.slice(slice),
            None => out.gathered(self),
        }
        Ok(())
    }

    fn attach<'m>(from: &mut Attach<'m>) -> Result<Self::Attached<'m>, WireError> {
        let lengths: Vec<usize> = from.value()?;
        let elements: &'m [T] = from.slice()?;
        let shape = D::from_dimension(&IxDyn(&lengths)).ok_or_else(|| {
            WireError::new(format!(
                "an array of {} dimensions where its type has {:?}",
                lengths.len(),
                D::NDIM
            ))
        })?;
        let count = lengths.iter().try_fold(1_usize, |n, &l| n.checked_mul(l));
        if count != Some(elements.len()) {
            return Err(WireError::new(format!(
                "{} elements for an array of shape {lengths:?}",
                elements.len()
            )));
        }
        ArrayView::from_shape(shape, elements).map_err(|why| {
            WireError::new(format!("an array of shape {lengths:?} cannot be: {why}"))
        })
    }

    fn view_of<'v, 'm: 'v>(attached: &'v Self::Attached<'m>) -> ViewOf<'v, Self>
    where
        Self: 'v,
    {
        attached.view()
    }
}
