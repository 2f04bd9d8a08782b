//! Headers as NumPy writes them, and every way in which one can be wrong.

use std::io::{Seek, Write};

use super::*;

/// A file as NumPy 2.4 writes it: the header is padded so that the elements begin at a multiple of 64.
fn npy(version: u8, dictionary: &str, elements: &[u8]) -> Vec<u8> {
    let before = if version == 1 { 10 } else { 12 };
    let length = (before + dictionary.len() + 1).next_multiple_of(64) - before;
    let mut file = MAGIC.to_vec();
    file.extend([version, 0]);
    match version {
        1 => file.extend(u16::try_from(length).expect("a short header").to_le_bytes()),
        _ => file.extend(u32::try_from(length).expect("a header").to_le_bytes()),
    }
    file.extend(format!("{dictionary:<width$}\n", width = length - 1).bytes());
    file.extend(elements);
    file
}

fn header(descr: &str, fortran_order: &str, shape: &str) -> String {
    format!("{{'descr': {descr}, 'fortran_order': {fortran_order}, 'shape': {shape}, }}")
}

fn open<T: NpyElement>(bytes: &[u8]) -> io::Result<MappedSlice<T>> {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    // SAFETY: nobody else has this file.
    unsafe { MappedSlice::from_npy_file(file) }
}

/// What is said of a file that cannot be mapped.
fn refusal<T: NpyElement>(bytes: &[u8]) -> String {
    open::<T>(bytes)
        .expect_err("it cannot be mapped")
        .to_string()
}

fn native<T: Pod>(elements: &[T]) -> &[u8] {
    bytemuck::cast_slice(elements)
}

/// `'<f8'` here, `'>f8'` on a machine of the other byte order.
fn descr(code: &str) -> String {
    format!("'{NATIVE}{code}'")
}

#[test]
fn what_numpy_wrote_is_read() {
    // numpy.array([[1, 2, 3], [4, 5, 6]], dtype='<i4'), by numpy.lib.format.write_array of NumPy 2.4.6.
    let text = "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }";
    let ones = [
        (1, &b"\x93NUMPY\x01\x00v\x00"[..], 118),
        (2, b"\x93NUMPY\x02\x00t\x00\x00\x00", 116),
        (3, b"\x93NUMPY\x03\x00t\x00\x00\x00", 116),
    ];
    for (version, start, length) in ones {
        let mut file = start.to_vec();
        file.extend(format!("{text:<width$}\n", width = length - 1).bytes());
        file.extend((1..=6_i32).flat_map(i32::to_le_bytes));
        assert_eq!(file.len(), 152);
        assert_eq!(
            file[..128],
            npy(version, text, &[]),
            "these tests write as NumPy does"
        );
        if cfg!(target_endian = "little") {
            let table = open::<i32>(&file).expect("an array");
            assert_eq!(
                (&table[..], table.shape()),
                (&[1, 2, 3, 4, 5, 6][..], &[2, 3][..])
            );
        }
    }
}

#[test]
fn every_type_is_read() {
    fn check<T: NpyElement + PartialEq + std::fmt::Debug>(code: &str, elements: [T; 3]) {
        let file = npy(1, &header(code, "False", "(3,)"), native(&elements));
        assert_eq!(open::<T>(&file).expect(code)[..], elements);
    }
    check("'|u1'", [0_u8, 1, 255]);
    check("'|b1'", [0_u8, 1, 1]);
    check("'|i1'", [-128_i8, 0, 127]);
    check(&descr("u2"), [0_u16, 1, u16::MAX]);
    check(&descr("i2"), [i16::MIN, 0, i16::MAX]);
    check(&descr("u4"), [0_u32, 1, u32::MAX]);
    check(&descr("i4"), [i32::MIN, 0, i32::MAX]);
    check(&descr("u8"), [0_u64, 1, u64::MAX]);
    check(&descr("i8"), [i64::MIN, 0, i64::MAX]);
    check(&descr("f4"), [f32::MIN, 0.1, f32::MAX]);
    check(&descr("f8"), [f64::MIN, 0.1, f64::MAX]);
}

#[test]
fn every_shape_is_read() {
    for (shape, expected, count) in [
        ("()", &[][..], 1),
        ("(0,)", &[0], 0),
        ("(3,)", &[3], 3),
        ("(3L,)", &[3], 3),
        ("(2, 3, 1)", &[2, 3, 1], 6),
        (
            "(0, 9223372036854775807, 9)",
            &[0, 9_223_372_036_854_775_807, 9],
            0,
        ),
    ] {
        let elements = vec![7_u16; count];
        let file = npy(1, &header(&descr("u2"), "False", shape), native(&elements));
        let array = open::<u16>(&file).expect(shape);
        assert_eq!(
            (array.shape(), &array[..]),
            (expected, &elements[..]),
            "{shape}"
        );
    }
}

#[test]
fn keys_may_stand_in_any_order_and_a_second_array_may_follow() {
    let text = format!(
        "{{'shape': (2,), 'descr': {}, 'fortran_order': False}}",
        descr("u2")
    );
    let file = npy(2, &text, native(&[1_u16, 2, 3, 4]));
    assert_eq!(open::<u16>(&file).expect("an array")[..], [1, 2]);
}

#[test]
fn a_file_that_was_read_already_is_mapped_from_its_beginning() {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(&npy(1, &header("'|u1'", "False", "(2,)"), &[5, 6]))
        .expect("written");
    file.seek(io::SeekFrom::End(0)).expect("a seek");
    // SAFETY: nobody else has this file.
    let array = unsafe { MappedSlice::<u8>::from_npy_file(file) }.expect("an array");
    assert_eq!(array[..], [5, 6]);
}

#[test]
fn another_type_is_refused_with_both_names() {
    let file = npy(
        1,
        &header(&descr("f4"), "False", "(2,)"),
        native(&[1_f32, 2.0]),
    );
    let text = refusal::<f64>(&file);
    let wanted = format!(
        "elements of type {} (floating point numbers), and f64 was asked for: map it as f32, or save it with numpy.save(path, array.astype({}))",
        descr("f4"),
        descr("f8")
    );
    assert!(text.ends_with(&wanted), "{text}");
    assert!(refusal::<u32>(&file).contains("f32"));
    for code in [
        "'|O'",
        "'|S5'",
        "'<U5'",
        "'<M8[ns]'",
        "'<c16'",
        "'<f2'",
        "'|V8'",
        "'<f16'",
        "''",
        "'<'",
    ] {
        let text = refusal::<f64>(&npy(1, &header(code, "False", "(0,)"), &[]));
        assert!(text.contains("astype") && text.contains(code), "{text}");
    }
    let text = refusal::<f64>(&npy(1, &header("'|O'", "False", "(0,)"), &[]));
    assert!(text.contains("Python objects"), "{text}");
}

#[test]
fn fields_are_refused() {
    let text = refusal::<f64>(&npy(
        1,
        &header("[('a', '<i4'), ('b', '<f8')]", "False", "(1,)"),
        &[0; 12],
    ));
    assert!(
        text.contains("fields") && text.contains("array['field']"),
        "{text}"
    );
}

#[test]
fn the_other_byte_order_is_refused() {
    let other = if NATIVE == '<' { '>' } else { '<' };
    let text = refusal::<f64>(&npy(
        1,
        &header(&format!("'{other}f8'"), "False", "(1,)"),
        &[0; 8],
    ));
    assert!(
        text.contains("byte order") && text.contains(&format!("astype({})", descr("f8"))),
        "{text}"
    );
    // A byte has no order.
    assert!(
        open::<u8>(&npy(
            1,
            &header(&format!("'{other}u1'"), "False", "(1,)"),
            &[0]
        ))
        .is_ok()
    );
}

#[test]
fn fortran_order_is_refused() {
    let text = refusal::<u8>(&npy(1, &header("'|u1'", "True", "(2, 3)"), &[0; 6]));
    assert!(
        text.contains("Fortran") && text.contains("ascontiguousarray"),
        "{text}"
    );
}

#[test]
fn every_cut_is_refused() {
    for version in 1..=3 {
        let whole = npy(version, &header("'|u1'", "False", "(40,)"), &[1; 40]);
        assert!(open::<u8>(&whole).is_ok());
        for length in 0..whole.len() {
            let refused = open::<u8>(&whole[..length]).expect_err("it is cut off");
            let kind = if length < MAGIC.len() {
                io::ErrorKind::InvalidData
            } else {
                io::ErrorKind::UnexpectedEof
            };
            assert_eq!(
                refused.kind(),
                kind,
                "{length} bytes of version {version}: {refused}"
            );
        }
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    for shape in [
        "(3,)",
        "(18446744073709551615,)",
        "(9223372036854775807, 3)",
        "(4294967296, 4294967296)",
    ] {
        let text = refusal::<u16>(&npy(1, &header(&descr("u2"), "False", shape), &[0; 5]));
        assert!(text.contains("does not fit in the 5 bytes"), "{text}");
    }
}

#[test]
fn elements_at_an_unaligned_place_are_refused() {
    let text = header(&descr("f8"), "False", "(1,)");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(
        u16::try_from(text.len())
            .expect("a short header")
            .to_le_bytes(),
    );
    file.extend(text.bytes());
    file.extend([0; 8]);
    assert!(!(10 + text.len()).is_multiple_of(8));
    assert!(refusal::<f64>(&file).contains("multiple of 64"));
}

#[test]
fn what_is_no_npy_file_is_refused_by_what_it_is() {
    assert!(refusal::<u8>(b"PK\x03\x04 and so on").contains(".npz"));
    assert!(refusal::<u8>(b"1.5,2.5\n").contains("begins with \"1.5,2.\""));
    assert!(refusal::<u8>(b"\x93NUMPY\x04\x00\x00\x00\x00\x00").contains("version 4.0"));
    assert!(refusal::<u8>(b"\x93NUMPY\x01\x01\x00\x00\x00\x00").contains("version 1.1"));
}

#[test]
fn strange_headers_are_refused_and_shown() {
    for text in [
        "",
        "{}",
        "nonsense",
        "{'descr': '|u1', 'fortran_order': False}",
        "{'descr': '|u1', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': 1}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': ('1',)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'more': 1}",
    ] {
        let refused = refusal::<u8>(&npy(1, text, &[0]));
        assert!(refused.contains("is not understood"), "{refused}");
    }
}

#[test]
fn a_header_of_gigabytes_is_refused_unread() {
    let mut file = b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec();
    assert!(refusal::<u8>(&file).contains("cut off"));
    file.resize(12, 0);
    let sparse = tempfile::tempfile().expect("a file");
    (&sparse).write_all(&file).expect("written");
    sparse.set_len(1 << 33).expect("a sparse file");
    // SAFETY: nobody else has this file.
    let refused = unsafe { MappedSlice::<u8>::from_npy_file(sparse) }.expect_err("too long");
    assert!(
        refused.to_string().contains("more than any array needs"),
        "{refused}"
    );
}

/// Bytes of a header, changed at random: an error or an array, never a panic.
#[test]
fn random_changes_never_panic() {
    let whole = npy(1, &header(&descr("f8"), "False", "(2, 3)"), &[0; 48]);
    let (mut state, mut mapped) = (88_172_645_463_325_252_u64, 0);
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..200_000 {
        let mut text = whole.clone();
        for _ in 0..=next() % 3 {
            let place = usize::try_from(next() % 80).expect("small");
            text[place] = next().to_le_bytes()[0];
        }
        let parsed = Header::parse(&text[10..128], 128);
        let count = parsed.and_then(|header| {
            header.check_order::<f64>()?;
            header.count::<f64>(whole.len() as u64)
        });
        mapped += usize::from(count.is_ok_and(|count| count <= 6));
    }
    assert!(mapped > 0, "no change was harmless, so nothing was tried");
}
