//! What an executor can do. Declared, so that a plan that asks for more is refused before its first item
//! (C11), and so that the conformance suite knows which cases apply.

/// What an executor is called, how many workers it will use, and what it can do.
///
/// ```
/// use partools_core::Capabilities;
/// let c = Capabilities::new("spool", 4).with_isolation().with_item_kill();
/// assert!(c.isolates() && c.kills_items());
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Capabilities {
    name: &'static str,
    workers: usize,
    isolates: bool,
    kills_items: bool,
}

impl Capabilities {
    /// An executor called `name` that uses up to `workers` workers and has no special powers.
    pub fn new(name: &'static str, workers: usize) -> Self {
        Capabilities {
            name,
            workers: workers.max(1),
            isolates: false,
            kills_items: false,
        }
    }

    /// An item may crash, abort or exit: its worker dies, the map and the host live.
    pub fn with_isolation(mut self) -> Self {
        self.isolates = true;
        self
    }

    /// A single running item can be killed.
    pub fn with_item_kill(mut self) -> Self {
        self.kills_items = true;
        self
    }

    /// The executor's name, as in error messages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How many workers it will use at most. At least 1.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// May an item crash without taking the host with it?
    #[must_use]
    pub fn isolates(&self) -> bool {
        self.isolates
    }

    /// Can a single running item be killed?
    #[must_use]
    pub fn kills_items(&self) -> bool {
        self.kills_items
    }
}
