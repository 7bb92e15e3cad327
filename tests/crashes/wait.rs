//! Waiting, but not forever.

use std::time::{Duration, Instant};

/// The longest that anything may take, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Looks until `look` finds what is waited for; its `Err` is what it saw instead.
pub async fn until<T, Look>(what: &str, mut look: impl FnMut() -> Look) -> T
where
    Look: Future<Output = Result<T, String>>,
{
    let begun = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(seen) if begun.elapsed() >= PATIENCE => panic!("waited {PATIENCE:?} for {what}; last seen: {seen}"),
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}
