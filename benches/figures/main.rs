//! The project's figures, in one run: prints a table, and writes JSON to the file that `FIGURES` names (`target/figures.json`).
//!
//! Everything is measured over real HTTP or the real bus against the whole appliance with fake drivers, in this process, so
//! that a change shows wherever it is. Machines differ and are noisy: read ratios within one run, and goals as orders of magnitude.
//! `cargo bench --bench figures -- NAME…` measures only the figures whose names contain one of the words.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failed run"
)]

mod bus_figures;
mod client;
mod clones;
mod cloud;
mod command_line;
mod compute;
mod figure;
mod identity;
mod image_data;
mod image_list;
mod image_load;
mod libvirt;
mod network;
mod paging;
mod process;
mod scheduling;
mod security_groups;
mod tokens;

use figure::Report;

fn main() -> std::process::ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut report = Report::new(words);
    runtime.block_on(all(&mut report));
    report.finish()
}

async fn all(report: &mut Report) {
    bus_figures::measure(report).await;
    process::measure(report).await;
    command_line::measure(report).await;
    tokens::measure(report).await;
    identity::measure(report).await;
    image_list::measure(report).await;
    image_data::measure(report).await;
    image_load::measure(report).await;
    network::measure(report).await;
    compute::measure(report).await;
    paging::measure(report).await;
    scheduling::measure(report).await;
    security_groups::measure(report).await;
    libvirt::measure(report).await;
}
