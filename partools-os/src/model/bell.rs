//! The bell of the model (`tests/ring_model.rs`): rung and cleared as the real one is, and slept by without an end,
//! so that a ring that never comes is a deadlock, which shuttle reports.

use std::io;

use shuttle::sync::{Condvar, Mutex, MutexGuard};

/// Rung by producers, waited for by the consumer.
#[derive(Debug)]
pub struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    /// A bell that nobody has rung.
    ///
    /// # Errors
    /// Never; the real one can be refused by the kernel.
    pub fn new() -> io::Result<Bell> {
        Ok(Bell {
            rung: Mutex::new(false),
            changed: Condvar::new(),
        })
    }

    /// Rings. Ringing twice before anyone looked is like ringing once.
    pub fn ring(&self) {
        *self.lock() = true;
        self.changed.notify_all();
    }

    /// Silences the bell. Look at the rings after this, not before.
    pub fn clear(&self) {
        *self.lock() = false;
    }

    /// Sleeps until the bell has rung, as `poll` does: without clearing it.
    pub fn wait(&self) {
        let mut rung = self.lock();
        while !*rung {
            rung = self
                .changed
                .wait(rung)
                .unwrap_or_else(|poison| poison.into_inner());
        }
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.rung
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}
