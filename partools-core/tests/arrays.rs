//! `ndarray` views as shared arguments: every layout gives there what it gives here, and a shape that does not fit is
//! refused.

use ndarray::{
    Array, Array0, Array2, ArrayD, ArrayView, ArrayView2, Axis, Dimension, Ix2, IxDyn, s,
};
use partools_core::wire::WireError;
use partools_core::{
    Attach, Job, Layout, Loopback, PortableTask, SharedArg, Span, StartError, Task, Writer, over,
};

/// Shape and elements, in the order of the indices, as a worker sees them.
fn seen<D: Dimension>(array: ArrayView<'_, f64, D>) -> (Vec<usize>, Vec<f64>) {
    let job = over(0..1)
        .shared(array)
        .map(|_, array| (array.shape().to_vec(), array.iter().copied().collect()));
    job.run(&Loopback).unwrap().remove(0)
}

fn assert_crosses<D: Dimension>(array: ArrayView<'_, f64, D>) {
    let here = (array.shape().to_vec(), array.iter().copied().collect());
    assert_eq!(seen(array), here);
}

#[test]
fn arrays_of_every_layout_cross() {
    let cube = Array::from_shape_fn((3, 4, 5), |(a, b, c)| (100 * a + 10 * b + c) as f64);
    assert_crosses(cube.view());
    assert_crosses(cube.t());
    assert_crosses(cube.slice(s![.., 1.., ..]));
    assert_crosses(cube.slice(s![..;-1, ..;2, 3]));
    assert_crosses(cube.index_axis(Axis(2), 4));
    assert_crosses(cube.view().into_dyn());
    assert_crosses(cube.t().into_dyn());
    assert_crosses(Array0::from_elem((), 7.5).view());
    assert_crosses(Array2::<f64>::zeros((0, 5)).view());
    assert_crosses(Array2::<f64>::zeros((5, 0)).t());
    assert_crosses(ArrayD::<f64>::zeros(IxDyn(&[2, 0, 3])).view());
    assert_crosses(ArrayD::<f64>::zeros(IxDyn(&[])).view());
    assert_crosses(ArrayD::<f64>::ones(IxDyn(&[1; 9])).view());
    let repeated = Array0::from_elem((), 2.5);
    assert_crosses(repeated.broadcast((3, 3)).unwrap());
}

#[test]
fn rows_are_lent_as_they_are() {
    let matrix = Array2::from_shape_fn((50, 8), |(a, b)| (a * b) as f64);
    let job = over(0..50)
        .shared(matrix.view())
        .map(|row, matrix: ArrayView2<'_, f64>| matrix.row(row).sum());
    let expected: Vec<f64> = matrix.rows().into_iter().map(|row| row.sum()).collect();
    assert_eq!(job.run(&Loopback).unwrap(), expected);
}

/// Lays a shape and elements that need not fit, and attaches them as an array of dimension `D`.
struct Forged<D>(Vec<usize>, Vec<f64>, std::marker::PhantomData<fn() -> D>);

impl<D: Dimension> Task for Forged<D> {
    type State = ();
    type Output = ();
    fn count(&self) -> usize {
        1
    }
    fn start(&self, _: usize) -> Result<(), StartError> {
        Ok(())
    }
    fn call_chunk(&self, (): &mut (), span: &Span, out: &mut Writer<'_, ()>) {
        span.range().for_each(|_| out.push(()));
    }
}
impl<D: Dimension> PortableTask for Forged<D> {
    type Far<'m> = Self;
    fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        out.value(&self.0)?;
        out.slice(&self.1);
        Ok(())
    }
    fn unpack<'m>(from: &mut Attach<'m>) -> Result<Self, WireError> {
        let array = <ArrayView<'_, f64, D> as SharedArg>::attach(from)?;
        let (shape, elements) = (array.shape().to_vec(), array.iter().copied().collect());
        Ok(Forged(shape, elements, std::marker::PhantomData))
    }
}

fn refused<D: Dimension>(shape: &[usize], elements: usize) -> Option<String> {
    let forged = Forged::<D>(
        shape.to_vec(),
        vec![0.0; elements],
        std::marker::PhantomData,
    );
    Job::new(forged).run(&Loopback).err().map(|e| e.to_string())
}

#[test]
fn a_shape_that_does_not_fit_its_elements_or_its_type_is_refused() {
    assert_eq!(refused::<Ix2>(&[2, 3], 6), None);
    assert_eq!(refused::<IxDyn>(&[2, 3], 6), None);
    for (shape, elements) in [
        (&[2, 3][..], 5),
        (&[2, 3], 7),
        (&[usize::MAX, 2], 6),
        (&[usize::MAX, usize::MAX], 1),
        (&[1 << 32, 1 << 32], 0),
        (&[usize::MAX, 0], 0),
    ] {
        let why = refused::<Ix2>(shape, elements).expect("it does not fit");
        assert!(why.contains("shape"), "{why}");
        assert!(refused::<IxDyn>(shape, elements).is_some());
    }
    for shape in [&[][..], &[6], &[1, 2, 3]] {
        let why = refused::<Ix2>(shape, 6).expect("it has other dimensions");
        assert!(why.contains("dimensions"), "{why}");
    }
}
