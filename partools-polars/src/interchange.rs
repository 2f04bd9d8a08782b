//! Between polars' arrays and Arrow's, through the C data interface: the one layout that both have. Buffers are shared, and
//! released when the last of both is gone.
//!
//! The only file with `unsafe`: the two libraries declare the interface's two structs each for itself, so that one's has to be
//! taken for the other's.

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi, to_ffi};
use arrow_array::{Array, ArrayRef, RecordBatch, make_array};
use partools_frame::Frame;
use polars_arrow::datatypes::Field;
use polars_arrow::ffi::{self, ArrowArray, ArrowSchema};
use polars_core::prelude::{
    Column, CompatLevel, DataFrame, PolarsError, PolarsResult, Series, polars_err,
};

/// A frame of polars', column by column. Texts become string views, categories dictionaries.
///
/// Nothing is copied but where polars keeps a column in several chunks: those are put together first.
///
/// # Errors
/// Where a column has a type that Arrow does not have, such as polars' objects.
pub fn from_polars(frame: &DataFrame) -> PolarsResult<Frame> {
    let columns: Vec<(String, ArrayRef)> = frame
        .columns()
        .iter()
        .map(|column| {
            let series = column.as_materialized_series().rechunk();
            let name = series.name().to_string();
            match array(&series) {
                Ok(array) => Ok((name, array)),
                Err(error) => Err(polars_err!(
                    ComputeError: "column {name:?} of type {} has no place in a frame: {error}", series.dtype()
                )),
            }
        })
        .collect::<PolarsResult<_>>()?;
    Frame::new(columns).map_err(|error| polars_err!(ComputeError: "{error}"))
}

/// A batch as a frame of polars': a group's with [`Group::batch`](partools_frame::Group::batch), a whole frame's with
/// [`Frame::batch`].
///
/// Nothing is copied but where polars has no such type: texts become string views.
///
/// # Errors
/// Where a column has a type that polars does not have.
pub fn to_polars(batch: &RecordBatch) -> PolarsResult<DataFrame> {
    let schema = batch.schema_ref();
    let columns = schema.fields().iter().zip(batch.columns());
    let columns = columns.map(|(field, array)| {
        let name = field.name();
        match series(name, array) {
            Ok(series) => Ok(Column::from(series)),
            Err(error) => Err(polars_err!(
                ComputeError: "column {name:?} of type {} has no place in a frame of polars: {error}", field.data_type()
            )),
        }
    });
    DataFrame::new(batch.num_rows(), columns.collect::<PolarsResult<_>>()?)
}

fn array(series: &Series) -> PolarsResult<ArrayRef> {
    let array = series.to_arrow(0, CompatLevel::newest());
    let field = Field::new(series.name().clone(), array.dtype().clone(), true);
    let schema = arrow_schema(ffi::export_field_to_c(&field));
    let array = arrow_array(ffi::export_array_to_c(array));
    // SAFETY: both were made by polars' export of one and the same array just now, and are the interface's structs.
    let data = unsafe { from_ffi(array, &schema) }.map_err(arrow)?;
    Ok(make_array(data))
}

fn series(name: &str, array: &dyn Array) -> PolarsResult<Series> {
    let (array, schema) = to_ffi(&array.to_data()).map_err(arrow)?;
    let schema = polars_schema(schema);
    // SAFETY: it was made by Arrow's export just now.
    let field = unsafe { ffi::import_field_from_c(&schema) }?;
    // SAFETY: as above, of the same array.
    let array = unsafe { ffi::import_array_from_c(polars_array(array), field.dtype) }?;
    Series::from_arrow(name.into(), array)
}

fn arrow(error: arrow_schema::ArrowError) -> PolarsError {
    polars_err!(ComputeError: "{error}")
}

/// Takes a struct of the C data interface as one library declares it for the same as the other does.
macro_rules! the_same {
    ($name:ident, $from:ty => $to:ty) => {
        fn $name(from: $from) -> $to {
            const {
                assert!(
                    size_of::<$from>() == size_of::<$to>()
                        && align_of::<$from>() == align_of::<$to>()
                );
            }
            // SAFETY: both are `repr(C)` with the fields that the C data interface prescribes, in its order; sizes are
            // compared above, and the tests send every type through. Ownership goes along: `from` is not dropped.
            unsafe { std::mem::transmute::<$from, $to>(from) }
        }
    };
}
the_same!(arrow_array, ArrowArray => FFI_ArrowArray);
the_same!(arrow_schema, ArrowSchema => FFI_ArrowSchema);
the_same!(polars_array, FFI_ArrowArray => ArrowArray);
the_same!(polars_schema, FFI_ArrowSchema => ArrowSchema);
