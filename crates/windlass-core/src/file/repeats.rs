//! Which columns of a Parquet file are worth a dictionary.

use arrow_array::cast::AsArray as _;
use arrow_array::{Array, ArrayRef, OffsetSizeTrait, RecordBatch};
use arrow_schema::DataType;
use hashbrown::HashSet;

/// Rows that are looked at.
const SAMPLE: usize = 2048;

/// Hundredths of the sampled values that may differ. Of two thousand values out of the thirty thousand that a dictionary
/// of eight-byte values can hold, three in a hundred repeat.
const MAX_DISTINCT: usize = 97;

/// Names of the columns whose values hardly repeat in the first rows: a dictionary of them would be filled, and then
/// given up, in every row group.
pub(super) fn columns_without_repeats(batch: &RecordBatch) -> Vec<String> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns());
    columns.filter(|(_, array)| !repeats(array)).map(|(field, _)| field.name().clone()).collect()
}

fn repeats(array: &ArrayRef) -> bool {
    let sample = array.slice(0, array.len().min(SAMPLE));
    let counted = match sample.data_type() {
        DataType::Utf8 => distinct_texts::<i32>(&sample),
        DataType::LargeUtf8 => distinct_texts::<i64>(&sample),
        kind => kind.primitive_width().map(|width| distinct_numbers(&sample, width)),
    };
    // A few rows say nothing, and a small file costs nothing.
    counted.is_none_or(|(distinct, count)| count < SAMPLE / 2 || distinct * 100 <= count * MAX_DISTINCT)
}

/// How many of the values differ, and how many there are.
fn distinct_texts<O: OffsetSizeTrait>(array: &ArrayRef) -> Option<(usize, usize)> {
    let texts = array.as_string_opt::<O>()?;
    let distinct: HashSet<&str> = texts.iter().flatten().collect();
    Some((distinct.len(), texts.len() - texts.null_count()))
}

fn distinct_numbers(array: &ArrayRef, width: usize) -> (usize, usize) {
    let data = array.to_data();
    let bytes = data.buffers().first().map_or(&[][..], |buffer| buffer.as_slice());
    let values = bytes.chunks_exact(width).skip(data.offset()).take(data.len()).enumerate();
    let distinct: HashSet<&[u8]> =
        values.filter(|(row, _)| array.is_valid(*row)).map(|(_, value)| value).collect();
    (distinct.len(), array.len() - array.null_count())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Float64Array, Int64Array, StringArray};

    use super::*;

    fn check(array: impl Array + 'static, has_dictionary: bool) {
        let array: ArrayRef = Arc::new(array);
        let batch = RecordBatch::try_from_iter([("c", Arc::clone(&array))]).unwrap();
        assert_eq!(columns_without_repeats(&batch).is_empty(), has_dictionary);
        // A part of an array is judged by its own values.
        let constant = Int64Array::from_iter_values(std::iter::repeat_n(1, 3000));
        let both =
            arrow_select::concat::concat(&[&constant, &Int64Array::from_iter_values(0..3000)]).unwrap();
        let batch = RecordBatch::try_from_iter([("c", both.slice(3000, 3000))]).unwrap();
        assert_eq!(columns_without_repeats(&batch), ["c"]);
    }

    #[test]
    fn values_that_do_not_repeat_have_no_dictionary() {
        check(Int64Array::from_iter_values(0..5000), false);
        check(Float64Array::from_iter_values((0..5000).map(f64::from)), false);
        check(StringArray::from_iter_values((0..5000).map(|n| n.to_string())), false);
        check(Int64Array::from_iter((0..5000).map(|n| (n % 3 > 0).then_some(n))), false);
    }

    #[test]
    fn values_that_repeat_have_one() {
        check(Int64Array::from_iter_values((0..5000).map(|n| n % 1000)), true);
        check(StringArray::from_iter_values((0..5000).map(|n| (n % 10).to_string())), true);
        check(Int64Array::from(vec![None; 5000]), true);
    }

    #[test]
    fn few_rows_keep_their_dictionary() {
        check(Int64Array::from_iter_values(0..100), true);
    }
}
