//! What is seen while something is under way: a spinner or a bar on a terminal, lines elsewhere, nothing when quiet.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::Output;

/// Something under way. What is on the screen goes when it is dropped.
pub struct Progress {
    out: Output,
    what: String,
    bar: Option<ProgressBar>,
    last: String,
    started: Instant,
}

impl Progress {
    /// `what` has begun, with no way to say how far it is.
    #[must_use]
    pub fn spinner(out: Output, what: impl Into<String>) -> Self {
        let what = what.into();
        let bar = out.is_live().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(style(if out.has_colour() {
                "{spinner:.cyan} {elapsed} {wide_msg}"
            } else {
                "{spinner} {elapsed} {wide_msg}"
            }));
            bar.set_message(what.clone());
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Self { out, what, bar, last: String::new(), started: Instant::now() }
    }

    /// `what` has begun and has `bytes` to go.
    #[must_use]
    pub fn bytes(out: Output, what: impl Into<String>, bytes: u64) -> Self {
        let what = what.into();
        let bar = out.is_live().then(|| {
            let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
            bar.set_style(style("{msg} [{bar:30}] {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}"));
            bar.set_message(what.clone());
            bar
        });
        Self { out, what, bar, last: String::new(), started: Instant::now() }
    }

    /// It is at `state` now; nothing is said of an empty one.
    pub fn state(&mut self, state: &str) {
        if state.is_empty() || state == self.last {
            return;
        }
        state.clone_into(&mut self.last);
        match &self.bar {
            Some(bar) => bar.set_message(format!("{}: {state}", self.what)),
            None => self.out.note(&format!("{}: {state}", self.what)),
        }
    }

    /// So many bytes are done.
    pub fn position(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(bytes);
        }
    }

    /// It has come to an end that is `state`.
    pub fn done(self, state: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.out.note(&format!("{}: {state} ({:.1} s)", self.what, self.started.elapsed().as_secs_f64()));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
