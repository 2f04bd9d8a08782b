//! Trials behind which nothing may be left: no child, descriptor, mapping or thread.

use libtest_mimic::{Failed, Trial};
use partools_conformance::leaks::Snapshot;

pub(crate) fn trial(name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let before = Snapshot::take();
        test();
        before.assert_unchanged();
        Ok::<(), Failed>(())
    })
}
