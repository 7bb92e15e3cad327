//! What a workflow is made of: named steps, each with a function that does and one that takes back.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use kit::Fault;

use crate::journal::BoxFuture;

/// The longest that one step may take, unless a definition says otherwise.
const TIME_LIMIT: Duration = Duration::from_secs(3600);

/// A plain `async fn(&C, &mut S) -> Result<(), Fault>`; nothing else needs to implement it.
pub trait StepFn<'a, C: 'a, S: 'a>: Send + Sync {
    /// The function's future.
    type Future: Future<Output = Result<(), Fault>> + Send + 'a;

    /// Calls the function.
    fn call(&self, context: &'a C, state: &'a mut S) -> Self::Future;
}

impl<'a, C: 'a, S: 'a, F, R> StepFn<'a, C, S> for F
where
    F: Fn(&'a C, &'a mut S) -> R + Send + Sync,
    R: Future<Output = Result<(), Fault>> + Send + 'a,
{
    type Future = R;

    fn call(&self, context: &'a C, state: &'a mut S) -> R {
        self(context, state)
    }
}

/// Either half of a step, of any type.
pub(crate) type Half<C, S> = Arc<dyn for<'a> Fn(&'a C, &'a mut S) -> BoxFuture<'a, Result<(), Fault>> + Send + Sync>;

pub(crate) struct Step<C, S> {
    pub(crate) name: &'static str,
    pub(crate) run: Half<C, S>,
    pub(crate) undo: Half<C, S>,
}

impl<C, S> Clone for Step<C, S> {
    fn clone(&self) -> Self {
        Self { name: self.name, run: Arc::clone(&self.run), undo: Arc::clone(&self.undo) }
    }
}

/// A workflow: its kind and its steps, in order.
pub struct Definition<C, S> {
    pub(crate) kind: &'static str,
    pub(crate) steps: Vec<Step<C, S>>,
    pub(crate) time_limit: Duration,
}

impl<C, S> Definition<C, S> {
    /// A workflow of `kind` without steps yet.
    #[must_use]
    pub fn new(kind: &'static str) -> Self {
        Self { kind, steps: Vec::new(), time_limit: TIME_LIMIT }
    }

    /// With one more step: `run` does it, `undo` takes it back. `name` is unique in the workflow and stays
    /// the same in later versions, because journals hold it.
    #[must_use]
    pub fn step(
        mut self,
        name: &'static str,
        run: impl for<'a> StepFn<'a, C, S> + 'static,
        undo: impl for<'a> StepFn<'a, C, S> + 'static,
    ) -> Self {
        self.steps.push(Step {
            name,
            run: Arc::new(move |context, state| Box::pin(run.call(context, state))),
            undo: Arc::new(move |context, state| Box::pin(undo.call(context, state))),
        });
        self
    }

    /// With one more step that leaves nothing to take back: it only looks, or what it did is harmless.
    #[must_use]
    pub fn step_without_undo(self, name: &'static str, run: impl for<'a> StepFn<'a, C, S> + 'static) -> Self
    where
        C: Sync + 'static,
        S: Send + 'static,
    {
        self.step(name, run, nothing)
    }

    /// With the steps of `more` after its own: for parts that several workflows share.
    #[must_use]
    pub fn then(mut self, more: Self) -> Self {
        self.steps.extend(more.steps);
        self
    }

    /// With a limit to the time that any one step, or its undo, may take: an hour by default.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// The workflow's kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The steps' names, in order.
    pub fn step_names(&self) -> impl Iterator<Item = &'static str> {
        self.steps.iter().map(|step| step.name)
    }
}

impl<C, S> Clone for Definition<C, S> {
    fn clone(&self) -> Self {
        Self { kind: self.kind, steps: self.steps.clone(), time_limit: self.time_limit }
    }
}

impl<C, S> std::fmt::Debug for Definition<C, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Definition")
            .field("kind", &self.kind)
            .field("steps", &self.step_names().collect::<Vec<_>>())
            .finish()
    }
}

/// Does nothing: the undo of a step that leaves nothing behind.
///
/// # Errors
/// Never.
pub async fn nothing<C, S>(_: &C, _: &mut S) -> Result<(), Fault> {
    Ok(())
}
