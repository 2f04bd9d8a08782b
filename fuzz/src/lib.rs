//! What the fuzz targets have in common: the targets, the mutations and the counting allocator are those of the test
//! `hostile` of partools-core; here coverage guides them.

#[expect(dead_code, reason = "what only the test needs")]
#[path = "../../partools-core/tests/hostile/allocation.rs"]
mod allocation;
#[path = "../../partools-core/tests/hostile/mutate.rs"]
mod mutate;
#[expect(dead_code, reason = "what only the test needs")]
#[path = "../../partools-core/tests/hostile/targets.rs"]
mod targets;

#[doc(hidden)]
pub use libfuzzer_sys;

use targets::{TARGETS, Target};

/// A target by its name, with mutations of whole frames and records beside libFuzzer's own.
#[macro_export]
macro_rules! target {
    ($name:literal) => {
        use $crate::libfuzzer_sys;
        libfuzzer_sys::fuzz_target!(|message: &[u8]| $crate::feed($name, message));
        libfuzzer_sys::fuzz_mutator!(|message: &mut [u8], len: usize, max: usize, seed: u32| {
            match seed % 2 {
                0 => libfuzzer_sys::fuzzer_mutate(message, len, max),
                _ => $crate::mutate_message($name, message, len, max, seed),
            }
        });
    };
}

fn target(name: &str) -> &'static Target {
    TARGETS
        .iter()
        .find(|target| target.name == name)
        .expect("a target of this name")
}

/// Feeds `message` to the target of this name. A panic anywhere, caught or not, ends the fuzzer.
pub fn feed(name: &str, message: &[u8]) {
    target(name).check(message);
}

/// Mutates the first `len` bytes of `message`, or an honest message now and then; how many bytes it then has, at most `max`.
pub fn mutate_message(name: &str, message: &mut [u8], len: usize, max: usize, seed: u32) -> usize {
    let target = target(name);
    let mut random = mutate::Random::new(seed.into());
    let own = [message[..len].to_vec()];
    let seeds = match len < 4 || random.below(50) == 0 {
        true => target.seeds(),
        false => &own,
    };
    let mutated = mutate::mutated(seeds, target.shape, &mut random);
    let len = mutated.len().min(max).min(message.len());
    message[..len].copy_from_slice(&mutated[..len]);
    len
}
