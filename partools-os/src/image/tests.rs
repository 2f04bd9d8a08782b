//! Addresses of this very program.

use std::sync::atomic::AtomicU64;

use super::*;

fn some_function(x: u64) -> u64 {
    x.rotate_left(7) ^ 0x5bd1_e995
}

static COUNTER: AtomicU64 = AtomicU64::new(7);
static NUMBERS: [u64; 4] = [1, 2, 3, 5];
static TEXT: &str = "a constant";

fn image() -> &'static Image {
    Image::this().expect("a test is an ordinary program")
}

#[test]
fn functions_and_constants_have_offsets_that_lead_back() {
    let places: [*const (); 4] = [
        some_function as *const (),
        (&raw const NUMBERS).cast(),
        TEXT.as_ptr().cast(),
        Image::this as *const (),
    ];
    for place in places {
        let offset = image().offset_of(place).expect("of this program");
        assert_eq!(image().address_at(offset, 1, 1), Ok(place));
    }
    let numbers: *const () = (&raw const NUMBERS).cast();
    let offset = image().offset_of(numbers).expect("a constant");
    assert_eq!(
        image().address_at(offset, size_of_val(&NUMBERS), align_of_val(&NUMBERS)),
        Ok(numbers)
    );
}

#[test]
fn what_can_be_written_to_has_no_offset_and_is_not_found_by_one() {
    let counter: *const () = (&raw const COUNTER).cast();
    let address = counter as usize;
    assert_eq!(
        image().offset_of(counter),
        Err(ImageError::Writable { address })
    );
    let offset = address.wrapping_sub(image().bias) as u64;
    assert_eq!(
        image().address_at(offset, 8, 8),
        Err(ImageError::OutOfRange { offset, len: 8 })
    );
}

#[test]
fn what_lies_elsewhere_has_no_offset() {
    let heap = Box::new(5);
    let stack = 5;
    for place in [
        (&raw const *heap).cast(),
        (&raw const stack).cast(),
        std::ptr::null(),
        usize::MAX as *const (),
    ] {
        let refused = image()
            .offset_of(place)
            .expect_err("it is not of this program");
        assert!(
            matches!(refused, ImageError::Elsewhere { object: None, .. }),
            "{refused}"
        );
    }
}

/// In a program that is linked statically, there is no library to lie in.
#[cfg(not(target_feature = "crt-static"))]
#[test]
fn a_function_of_a_shared_library_is_refused_with_its_name() {
    // SAFETY: looks a name up, and calls nothing.
    let function = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"strfry".as_ptr()) };
    assert!(!function.is_null());
    let refused = image()
        .offset_of(function.cast())
        .expect_err("it is the C library's");
    let text = refused.to_string();
    assert!(
        text.contains("libc.so") && text.contains("compiled into the program"),
        "{text}"
    );
}

#[test]
fn ranges_end_where_they_end() {
    assert!(!image().constant.is_empty());
    let last = image()
        .constant
        .iter()
        .map(|range| range.end)
        .max()
        .expect("a range");
    for range in &image().constant {
        let offset = |address: usize| address.wrapping_sub(image().bias) as u64;
        let (start, end) = (offset(range.start), offset(range.end));
        assert!(
            image()
                .address_at(start, range.end - range.start, 1)
                .is_ok()
        );
        assert!(image().address_at(end - 1, 1, 1).is_ok());
        assert!(image().address_at(end - 1, 2, 1).is_err());
        assert!(image().address_at(start, usize::MAX, 1).is_err());
    }
    let behind = last.wrapping_sub(image().bias) as u64;
    for offset in [
        behind,
        behind + 1,
        u64::MAX,
        1 << 63,
        u64::MAX - image().bias as u64,
    ] {
        for len in [0, 1, usize::MAX] {
            assert_eq!(
                image().address_at(offset, len, 1),
                Err(ImageError::OutOfRange { offset, len })
            );
        }
    }
}

#[test]
fn alignment_is_checked() {
    let offset = image()
        .offset_of((&raw const NUMBERS).cast())
        .expect("a constant");
    let misaligned = Err(ImageError::Misaligned {
        offset: offset + 1,
        align: 8,
    });
    assert_eq!(image().address_at(offset + 1, 1, 8), misaligned);
    assert!(image().address_at(offset + 1, 1, 1).is_ok());
    for align in [0, 3, 6] {
        assert!(image().address_at(offset, 1, align).is_err());
    }
}

/// All that is given out lies in this program's file or its closed pages, and the kernel says that it is not writable.
#[test]
fn nothing_that_is_given_out_can_be_written_to() {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("maps");
    let writable: Vec<(usize, usize)> = maps
        .lines()
        .filter(|line| {
            line.split(' ')
                .nth(1)
                .is_some_and(|access| access.contains('w'))
        })
        .filter_map(|line| line.split(' ').next()?.split_once('-'))
        .map(|(start, end)| {
            let address = |text| usize::from_str_radix(text, 16).expect("an address");
            (address(start), address(end))
        })
        .collect();
    let span = 4 * executable::Executable::open()
        .expect("a file")
        .headers()
        .iter()
        .map(|header| header.address + header.memory_bytes)
        .max()
        .expect("a header");
    let mut given_out = 0;
    for offset in (0..span).step_by(256) {
        if let Ok(place) = image().address_at(offset, 1, 1) {
            let address = place as usize;
            assert!(
                !writable
                    .iter()
                    .any(|&(start, end)| (start..end).contains(&address)),
                "offset {offset:#x}"
            );
            given_out += 1;
        }
    }
    assert!(given_out > 1000, "only {given_out} places were found");
}

#[test]
fn another_identity_is_refused_with_both() {
    let ours = image().identity();
    assert_eq!(image().check(ours), Ok(()));
    let mut bytes = ours.to_bytes();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    let theirs = Identity::from_bytes(&bytes).expect("an identity");
    let text = image().check(&theirs).expect_err("another one").to_string();
    assert!(
        text.contains(&ours.to_string()) && text.contains(&theirs.to_string()),
        "{text}"
    );
}

/// A program of code at 0x1000, and of two writable pages at 0x3000 with addresses on the first one and a half of them.
fn program() -> Object {
    let part = |kind, flags, address, bytes| headers::ProgramHeader {
        kind,
        flags,
        offset: address,
        address,
        file_bytes: bytes,
        memory_bytes: bytes,
        align: 4096,
    };
    Object {
        bias: 0x10_0000,
        name: String::new(),
        headers: vec![
            part(LOAD, libc::PF_R | libc::PF_X, 0x1000, 0x1800),
            part(LOAD, libc::PF_R | libc::PF_W, 0x3010, 0x1ff0),
            part(RELRO, libc::PF_R, 0x3010, 0x17f0),
            part(headers::NOTE, libc::PF_R, 0x1000, 0x20),
        ],
    }
}

#[test]
fn whole_pages_that_were_closed_are_constant() {
    assert_eq!(
        rustix::param::page_size(),
        4096,
        "the maps below are of such pages"
    );
    let maps = "101000-103000 r-xp\n103000-104000 r--p\n104000-105000 rw-p\n";
    let code = Range {
        start: 0x10_1000,
        end: 0x10_2800,
    };
    let closed = Range {
        start: 0x10_3010,
        end: 0x10_4000,
    };
    assert_eq!(
        constant_parts(&program(), &Protections::parse(maps)),
        [code, closed]
    );
}

#[test]
fn what_the_headers_promise_and_the_kernel_denies_is_not_constant() {
    let code = Range {
        start: 0x10_1000,
        end: 0x10_2800,
    };
    let open = "101000-103000 r-xp\n103000-105000 rw-p\n";
    assert_eq!(
        constant_parts(&program(), &Protections::parse(open)),
        [code]
    );
    let patched = "101000-102000 rwxp\n102000-103000 r-xp\n103000-104000 r--p\n";
    assert!(!constant_parts(&program(), &Protections::parse(patched)).contains(&code));
    assert_eq!(constant_parts(&program(), &Protections::parse("")), []);
}
