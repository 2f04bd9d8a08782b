//! The functions that are applied to the groups: those of the db-benchmark's questions, and a regression. Each is an arbitrary
//! closure for the libraries that are compared; none is a ready-made aggregate of theirs.

use partools_frame::{Frame, Group, GroupError};

/// q3: the sum of `v1` and the mean of `v3`.
pub(crate) fn sum_and_mean(group: &Group<'_>) -> Result<(i64, f64), GroupError> {
    let v3 = group.column::<f64>("v3")?;
    let sum = group.column::<i32>("v1")?.iter().copied().map(i64::from);
    Ok((sum.sum(), v3.iter().sum::<f64>() / v3.len() as f64))
}

/// q6: the median and the standard deviation of `v3`.
pub(crate) fn median_and_deviation(group: &Group<'_>) -> Result<(f64, Option<f64>), GroupError> {
    let mut v3 = group.column::<f64>("v3")?.to_vec();
    Ok(median_and_deviation_of(&mut v3))
}

/// The same of a column, for other libraries' closures; likewise the next ones.
pub(crate) fn median_and_deviation_of(v3: &mut [f64]) -> (f64, Option<f64>) {
    let count = v3.len() as f64;
    let mean = v3.iter().sum::<f64>() / count;
    let squares: f64 = v3.iter().map(|v| (v - mean).powi(2)).sum();
    let middle = v3.len() / 2;
    let even = v3.len().is_multiple_of(2);
    let (below, at, _) = v3.select_nth_unstable_by(middle, f64::total_cmp);
    let median = match below.iter().copied().max_by(f64::total_cmp) {
        Some(before) if even => (before + *at) / 2.0,
        _ => *at,
    };
    (
        median,
        (count > 1.0).then(|| (squares / (count - 1.0)).sqrt()),
    )
}

/// q8: the largest two of `v3`, a row each.
pub(crate) fn largest_two(group: &Group<'_>) -> Result<Vec<f64>, GroupError> {
    Ok(largest_two_of(group.column::<f64>("v3")?))
}

pub(crate) fn largest_two_of(v3: &[f64]) -> Vec<f64> {
    let (mut first, mut second) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    for &v in v3 {
        if v > first {
            (first, second) = (v, first);
        } else if v > second {
            second = v;
        }
    }
    [first, second][..v3.len().min(2)].to_vec()
}

/// q9: the square of the correlation of `v1` and `v2`; none, where either does not vary.
pub(crate) fn squared_correlation(group: &Group<'_>) -> Result<Option<f64>, GroupError> {
    let (v1, v2) = (group.column::<i32>("v1")?, group.column::<i32>("v2")?);
    Ok(squared_correlation_of(v1, v2))
}

pub(crate) fn squared_correlation_of(v1: &[i32], v2: &[i32]) -> Option<f64> {
    let mut sums = [0.0; 5];
    for (&a, &b) in v1.iter().zip(v2) {
        let (a, b) = (f64::from(a), f64::from(b));
        for (sum, term) in sums.iter_mut().zip([a, b, a * a, b * b, a * b]) {
            *sum += term;
        }
    }
    let (n, [a, b, aa, bb, ab]) = (v1.len() as f64, sums);
    let (below, above) = ((n * aa - a * a) * (n * bb - b * b), n * ab - a * b);
    (below > 0.0).then(|| above * above / below)
}

/// q10: the sum of `v3`, and how many.
pub(crate) fn sum_and_count(group: &Group<'_>) -> Result<(f64, u64), GroupError> {
    let v3 = group.column::<f64>("v3")?;
    Ok((v3.iter().sum(), v3.len() as u64))
}

/// The slope of arrival on departure delay by least squares, where both are known.
pub(crate) fn slope(group: &Group<'_>) -> Result<Option<f64>, GroupError> {
    let known = group
        .optional::<f64>("dep_delay")?
        .iter()
        .zip(group.optional::<f64>("arr_delay")?);
    let known = known.filter_map(|(x, y)| x.zip(*y));
    let (mut n, mut x, mut y, mut xx, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (a, b) in known {
        n += 1.0;
        x += a;
        y += b;
        xx += a * a;
        xy += a * b;
    }
    let spread = n * xx - x * x;
    Ok((spread > 0.0).then(|| (n * xy - x * y) / spread))
}

/// What the benchmark publishes for 1e7 rows: sums of result columns, with three digits behind the point.
pub(crate) fn published(question: &str) -> &'static [(&'static str, &'static str)] {
    match question {
        "q6" => &[("value_0", "499920.140"), ("value_1", "288648.108")],
        "q8" => &[("value", "19700450.588")],
        "q9" => &[("value", "9.839")],
        _ => &[],
    }
}

/// The sum of a column of floats, nulls left out.
pub(crate) fn total(result: &Frame, column: &str) -> f64 {
    use arrow_array::{Array, Float64Array};
    let column = result.column(column).expect("a column of the result");
    let floats = column.as_any().downcast_ref::<Float64Array>();
    floats.expect("floats").iter().flatten().sum()
}
