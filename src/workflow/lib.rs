//! Long work: journaled steps with undo, resumed or unwound after a crash.
//!
//! A workflow is a static list of steps over one state; each step is a plain function that does
//! something and one that takes it back. This crate owns the order, the journal's content, unwinding,
//! cancelling and the test harness. It does not own where the journal is kept
//! ([`Journal`] is implemented over SQL and over the bus elsewhere), nor what a step does.
//!
//! Invariants:
//! * a step is in the journal before it starts: after a crash it is known which effects there may be;
//! * steps run in order and are undone in the reverse order, from the one that failed or was running;
//! * once undoing has begun it is never turned round: a crash in it resumes it.
//!
//! What this asks of the functions, and [`testing`] checks of every workflow:
//! * a step may run again, with the state as it was before it ran the first time, and must
//!   end in the same world: choose ids in the step before the one that uses them, or derive them;
//! * an undo may run when its step did all, a part or nothing of its work, and may run twice; it
//!   cannot rely on what its own step wrote into the state;
//! * both may be dropped at any await: on cancel, and when the process ends.
//!
//! ```
//! use kit::Fault;
//! use serde::{Deserialize, Serialize};
//! use workflow::{Control, Definition, MemoryJournal, Outcome, Start};
//!
//! struct Context;
//!
//! #[derive(Serialize, Deserialize)]
//! struct Build {
//!     image: String,
//!     cached: bool,
//! }
//!
//! async fn fetch_image(_: &Context, build: &mut Build) -> Result<(), Fault> {
//!     build.cached = true;
//!     Ok(())
//! }
//!
//! async fn drop_overlay(_: &Context, build: &mut Build) -> Result<(), Fault> {
//!     build.cached = false;
//!     Ok(())
//! }
//!
//! async fn start_guest(_: &Context, _: &mut Build) -> Result<(), Fault> {
//!     Ok(())
//! }
//!
//! fn definition() -> Definition<Context, Build> {
//!     Definition::new("server.build").step("image", fetch_image, drop_overlay).step_without_undo("start", start_guest)
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let journal = MemoryJournal::default();
//! let start = Start::new("server-1", Build { image: "debian".to_owned(), cached: false });
//! let outcome = workflow::run(&definition(), &Context, start, &journal, &Control::default()).await;
//! assert!(matches!(outcome, Outcome::Done(build) if build.cached));
//! # });
//! ```

pub mod activity;
mod control;
mod definition;
mod engine;
mod journal;
mod memory;
mod record;
pub mod testing;
mod turns;

pub use control::{Control, Event, Progress, Retry};
pub use definition::{Definition, StepFn, nothing};
pub use engine::{Outcome, Policy, ResumeError, Start, resume, run};
pub use journal::{BoxFuture, Journal};
pub use memory::MemoryJournal;
pub use record::{Direction, Record};
pub use tokio_util::sync::CancellationToken;
pub use turns::{Turn, Turns};
