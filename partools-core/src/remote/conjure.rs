//! Functions that travel as their type alone. The one place where a value is made out of nothing.

/// A function that can be called in another process: it captures nothing, so that its type is all there
/// is of it.
///
/// Nobody implements it: every function and every closure without captures has it. What the closure needs
/// goes in by the shared argument ([`Over::shared`](crate::Over::shared)), by the items, or is a constant.
///
/// A closure that captures something is refused when the program is built (by `cargo build`; `cargo check`
/// does not look so far):
///
/// ```compile_fail
/// use partools_core::{Loopback, over};
/// let factor = 3;
/// over(0..4).map(move |i| i * factor).run(&Loopback)?; // evaluation panicked: a function that goes to ...
/// # Ok::<(), partools_core::Error>(())
/// ```
///
/// Shared instead, it goes:
///
/// ```
/// use partools_core::{Loopback, over};
/// let factor = 3;
/// assert_eq!(over(0..4).shared(&factor).map(|i, factor| i * factor).run(&Loopback)?, [0, 3, 6, 9]);
/// # Ok::<(), partools_core::Error>(())
/// ```
///
/// What is conjured elsewhere is the type. A type that stands for a proof ("this thread holds the lock")
/// must therefore not be `Send`, as such types should not be anyway: then it cannot be captured here.
#[diagnostic::on_unimplemented(
    message = "this function cannot be called in another process",
    label = "it captures something, or borrows something that does not live for ever",
    note = "a function that goes to another process captures nothing; hand what it needs over by `.shared(..)`, \
            by the items, or make it a constant. Threads and Fork take closures that capture"
)]
pub trait Remote: Copy + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<F: Copy + Send + Sync + 'static> Remote for F {}

/// The function of type `F`.
///
/// Only for a function that `Layout::function` was given on the near side, so that a value of it exists
/// (`Attach::function` checks its [`identity`]).
pub(crate) fn conjure<F: Remote>() -> F {
    const {
        assert!(
            size_of::<F>() == 0,
            "a function that goes to another process captures nothing; hand what it needs over by `.shared(..)`, \
             by the items, or make it a constant. Threads and Fork take closures that capture"
        );
    }
    const {
        // Should a head be forged, too, there is no value of a type that has none: the compiler knows those.
        assert!(
            size_of::<Option<F>>() > 0,
            "a type without values is no function"
        );
    }
    // SAFETY: `F` has no bytes (asserted above), so none is read. A value of it exists: the caller says so. Another copy
    // of it changes nothing, since it is `Copy`, and may be here, since it is `Send + Sync + 'static`.
    unsafe { std::ptr::NonNull::<F>::dangling().read() }
}

/// What tells the type `F` from all others of this executable, in each process of it. Its name does not: all closures of
/// one function have the same.
pub(crate) fn identity<F: Remote>() -> String {
    format!("{:?}", std::any::TypeId::of::<F>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call<F: Remote + Fn(i32) -> i32>(_: F) -> i32 {
        conjure::<F>()(20)
    }

    #[test]
    fn a_function_is_its_type() {
        fn double(x: i32) -> i32 {
            2 * x
        }
        assert_eq!(call(double), 40);
        assert_eq!(call(|x| x + 1), 21);
    }

    #[test]
    fn functions_of_one_name_are_told_apart() {
        fn pair<A: Remote, B: Remote>(_: A, _: B) -> [String; 3] {
            [identity::<A>(), identity::<B>(), identity::<A>()]
        }
        let [a, b, again] = pair(|| 1, || 1);
        assert!(a != b && a == again);
        assert!(
            a.bytes().filter(u8::is_ascii_hexdigit).count() >= 32,
            "all of it: {a}"
        );
    }
}
