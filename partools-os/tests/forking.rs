//! What needs a fork, on the main thread of a process that has no other.
fn main() {}
