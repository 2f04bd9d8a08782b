//! Ways to look at a map of partools, while it runs and after: each is an [`Observer`](partools_core::Observer), handed
//! over by `observe`, and comes by a feature.
//!
//! | feature | observer | shows |
//! |---|---|---|
//! | `progress` | [`Progress`] | a bar on standard error: rate, time left, failures; nothing where that is no terminal |
//! | `tracing` | [`Tracing`] | a span for each map, and events in it, for whatever `tracing` subscriber there is |
//! | `timeline` | [`Timeline`] | what each worker did when, as a Chrome trace, which Perfetto opens |
//!
//! A [`Report`](partools_core::Report) needs none of these: it is in the core. None of them starts a thread, so `Fork`
//! runs beside them. All may be given to one map.
//!
//! ```
//! use partools_core::{Report, Serial, over};
//! # #[cfg(all(feature = "progress", feature = "timeline"))] {
//! use partools_insight::{Progress, Timeline};
//! let (report, progress, timeline) = (Report::new(), Progress::new(), Timeline::new());
//! let job = over(0..1000).observe(&report).observe(&progress).observe(&timeline).map(|i| i * i);
//! job.run(&Serial)?;
//! println!("{report}");
//! timeline.write_to(std::io::sink())?;
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "progress")]
mod progress;
#[cfg(feature = "tracing")]
mod spans;
#[cfg(feature = "timeline")]
mod timeline;

/// The crate that draws the bar of [`Progress`], for those who bring a bar of their own.
#[cfg(feature = "progress")]
pub use indicatif;
#[cfg(feature = "progress")]
pub use progress::Progress;
#[cfg(feature = "tracing")]
pub use spans::Tracing;
#[cfg(feature = "timeline")]
pub use timeline::Timeline;
