//! Workflows whose steps put names into a set, and fail, hang or panic when they are told to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kit::Fault;
use serde::{Deserialize, Serialize};
use workflow::{BoxFuture, Control, Definition, Event, Retry};

pub const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// How a half of a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    Before,
    After,
    Panic,
    Hang,
}

/// What the steps work on, and what they are told to do.
#[derive(Debug, Clone, Default)]
pub struct World {
    pub things: Arc<Mutex<BTreeSet<String>>>,
    pub log: Arc<Mutex<Vec<String>>>,
    /// By half, such as `+a` (the step) or `-a` (its undo): how it fails, and how often still.
    troubles: Arc<Mutex<BTreeMap<String, (Trouble, u32)>>>,
}

impl World {
    pub fn trouble(&self, half: &str, trouble: Trouble, times: u32) {
        self.troubles.lock().unwrap().insert(half.to_owned(), (trouble, times));
    }

    pub fn things(&self) -> Vec<String> {
        self.things.lock().unwrap().iter().cloned().collect()
    }

    /// What ran since the last call, such as `+a +b -b -a`.
    pub fn take_log(&self) -> String {
        std::mem::take(&mut *self.log.lock().unwrap()).join(" ")
    }

    fn next_trouble(&self, half: &str) -> Option<Trouble> {
        let mut troubles = self.troubles.lock().unwrap();
        let (trouble, times) = troubles.get_mut(half)?;
        *times = times.checked_sub(1)?;
        Some(*trouble)
    }

    async fn half(&self, half: String, effect: impl FnOnce(&mut BTreeSet<String>) -> bool) -> Result<(), Fault> {
        self.log.lock().unwrap().push(half.clone());
        let trouble = self.next_trouble(&half);
        match trouble {
            Some(Trouble::Before) => return Err(Fault::conflict(format!("{half} failed"))),
            Some(Trouble::Panic) => panic!("{half} panicked"),
            _ => {
                // Whether it was there before is nobody's concern: halves are idempotent.
                let _changed = effect(&mut self.things.lock().unwrap());
            }
        }
        match trouble {
            Some(Trouble::After) => Err(Fault::conflict(format!("{half} failed"))),
            Some(Trouble::Hang) => std::future::pending().await,
            _ => Ok(()),
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub done: Vec<String>,
}

fn half<F>(half: F) -> F
where
    F: for<'a> Fn(&'a World, &'a mut State) -> BoxFuture<'a, Result<(), Fault>>,
{
    half
}

/// A workflow with the steps `names`.
pub fn definition(names: &[&'static str]) -> Definition<World, State> {
    names.iter().fold(Definition::new("test"), |definition, &name| {
        let run = half(move |world, state| {
            Box::pin(async move {
                world.half(format!("+{name}"), |things| things.insert(name.to_owned())).await?;
                state.done.push(name.to_owned());
                Ok(())
            })
        });
        let undo = half(move |world, state| {
            Box::pin(async move {
                world.half(format!("-{name}"), |things| things.remove(name)).await?;
                state.done.retain(|done| done != name);
                Ok(())
            })
        });
        definition.step(name, run, undo)
    })
}

/// Three attempts without pauses.
pub fn control() -> Control {
    Control::default().retry(Retry { attempts: 3, pause: Duration::ZERO, longest: Duration::ZERO })
}

/// [`control`] that writes what happens, such as `1/3 a forward started`.
pub fn watched() -> (Control, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let control = control().progress({
        let seen = Arc::clone(&seen);
        move |progress| {
            let event = match &progress.event {
                Event::Started => "started".to_owned(),
                Event::Finished { .. } => "finished".to_owned(),
                Event::Failed { fault, .. } => format!("failed: {fault}"),
            };
            let direction = format!("{:?}", progress.direction).to_lowercase();
            let line = format!("{}/{} {} {direction} {event}", progress.step, progress.steps, progress.name);
            seen.lock().unwrap().push(line);
        }
    });
    (control, seen)
}
