//! The other process: this executable, with a role in its environment.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use partools_os::image::{Identity, Image, ImageError};

/// With this in the environment, the program is a worker.
pub(crate) const ROLE: &str = "PARTOOLS_OS_IMAGE_ROLE";

/// Of this type are all functions that are sent here.
pub(crate) type Function = fn(u64) -> u64;

/// Serves until standard input ends, if this process is a worker. Each line is `identity offset argument`, or `table` in
/// front of that, if the offset is that of a table of functions, whose last one is called. Each answer is `ok number` or `error
/// text`. An empty line asks for `identity offset` of [`some_function`].
pub(crate) fn serve() -> Option<ExitCode> {
    std::env::var_os(ROLE)?;
    for line in io::stdin().lock().lines() {
        let line = line.expect("a line");
        let answer = match line.is_empty() {
            true => introduce(),
            false => call(&line).map(|number| format!("ok {number}")),
        };
        let answer = answer.unwrap_or_else(|error| format!("error {error}"));
        writeln!(io::stdout(), "{answer}").expect("somebody listens");
    }
    Some(ExitCode::SUCCESS)
}

fn introduce() -> Result<String, ImageError> {
    let image = Image::this()?;
    let offset = image.offset_of(some_function as *const ())?;
    Ok(format!("{} {offset}", hex(&image.identity().to_bytes())))
}

fn call(line: &str) -> Result<u64, ImageError> {
    let (in_table, line) = match line.strip_prefix("table ") {
        Some(line) => (true, line),
        None => (false, line),
    };
    let fields: Vec<&str> = line.split(' ').collect();
    let number = |field: usize| fields[field].parse::<u64>().expect("a number");
    let image = Image::this()?;
    image.check(&Identity::from_bytes(&unhex(fields[0]))?)?;
    let function = match in_table {
        true => last_of_table(image, number(1))?,
        false => {
            let address = image.address_at(number(1), 1, 1)?;
            // SAFETY: the same executable, whose function of this type has this offset.
            unsafe { std::mem::transmute::<*const (), Function>(address) }
        }
    };
    Ok(function(number(2)))
}

fn last_of_table(image: &Image, offset: u64) -> Result<Function, ImageError> {
    let table = image.address_at(offset, size_of_val(&TABLE), align_of_val(&TABLE))?;
    // SAFETY: the same executable, whose table has this offset.
    let table = unsafe { &*table.cast::<[Function; 3]>() };
    Ok(table[2])
}

/// Two executables that differ in nothing else differ in their file.
#[inline(never)]
pub(crate) fn some_function(x: u64) -> u64 {
    x.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31)
}

/// What a map's entry is: one function for each type of closure.
pub(crate) fn entry<F: Fn(u64) -> u64 + Copy + 'static>(_: F) -> Function {
    |x| {
        const {
            assert!(
                size_of::<F>() == 0,
                "a function of its own needs no values of here"
            )
        };
        // SAFETY: it has no size, so there is nothing that a value of it needs; one was passed to `entry`.
        let function = unsafe { std::ptr::NonNull::<F>::dangling().read() };
        function(x)
    }
}

/// Its addresses are filled in when the program is loaded, wherever that is.
pub(crate) static TABLE: [Function; 3] = [u64::swap_bytes, u64::reverse_bits, some_function];

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks_exact(2);
    digits
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).expect("hex"), 16).expect("hex"))
        .collect()
}
