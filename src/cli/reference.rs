//! `docs/cli-reference.md`: every noun, every verb and what can be said with it, made of the command line itself.
//!
//! `UPDATE_DOCS=1 cargo test --lib reference` writes it anew; without that, the test holds it to what is there.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, Command};

const HEAD: &str = "# Every command\n\n\
    Made of the command line by `src/cli/reference.rs`; do not edit. [The command line](command-line.md) says how it is meant;\n\
    `cloudbox NOUN VERB --help` is the same as here. The client's options go with every command, and are listed once, at the end.\n";

/// All of `command`.
fn render(command: &Command) -> String {
    let mut text = HEAD.to_owned();
    for noun in command.get_subcommands().filter(|noun| !noun.is_hide_set() && noun.get_name() != "help") {
        let _ = write!(text, "\n## {}\n\n{}\n", noun.get_name(), about(noun));
        if noun.get_subcommands().next().is_none() {
            arguments(&mut text, noun);
        }
        for verb in noun.get_subcommands().filter(|verb| !verb.is_hide_set() && verb.get_name() != "help") {
            let _ =
                write!(text, "\n**{} {}**{}  \n{}\n", noun.get_name(), verb.get_name(), operands(verb), about(verb));
            arguments(&mut text, verb);
        }
    }
    text.push_str("\n## Options of every client command\n");
    let globals = command.get_arguments().filter(|arg| arg.is_global_set());
    list(&mut text, globals);
    text
}

/// What it does, and what else it is called.
fn about(command: &Command) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let aliases: Vec<String> = command.get_visible_aliases().map(|alias| format!("`{alias}`")).collect();
    if aliases.is_empty() { format!("{about}.") } else { format!("{about}. Also: {}.", aliases.join(", ")) }
}

fn operands(command: &Command) -> String {
    command.get_positionals().filter(|arg| !arg.is_hide_set()).map(|arg| format!(" `{}`", value(arg))).collect()
}

fn arguments(text: &mut String, command: &Command) {
    list(text, command.get_arguments().filter(|arg| !arg.is_global_set()));
}

fn list<'a>(text: &mut String, all: impl Iterator<Item = &'a Arg>) {
    let shown: Vec<&Arg> = all.filter(|arg| !arg.is_hide_set() && arg.get_id() != "help").collect();
    if !shown.is_empty() {
        text.push('\n');
    }
    for arg in shown {
        let _ = writeln!(
            text,
            "* `{}`: {}{}",
            called(arg),
            arg.get_help().map(ToString::to_string).unwrap_or_default(),
            extra(arg)
        );
    }
}

/// `-q, --quiet`, `--size GB`, `NAME`.
fn called(arg: &Arg) -> String {
    let Some(long) = arg.get_long() else { return value(arg) };
    let short = arg.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
    let value = if arg.get_action().takes_values() { format!(" {}", value(arg)) } else { String::new() };
    format!("{short}--{long}{value}")
}

/// What stands for its value.
fn value(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let name = names.first().map_or_else(|| arg.get_id().as_str().to_uppercase(), ToString::to_string);
    let many = arg.is_positional() && arg.get_num_args().is_some_and(|range| range.max_values() > 1);
    if many { format!("{name}…") } else { name }
}

/// What it may be, and is when nobody says it.
fn extra(arg: &Arg) -> String {
    let mut extra = String::new();
    let choices: Vec<String> = arg.get_possible_values().iter().map(|choice| choice.get_name().to_owned()).collect();
    if arg.get_action().takes_values() && !choices.is_empty() {
        let _ = write!(extra, " ({})", choices.join(", "));
    }
    let defaults: Vec<String> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if arg.get_action().takes_values() && !defaults.is_empty() {
        let _ = write!(extra, " [default: {}]", defaults.join(", "));
    }
    if arg.is_required_set() && !arg.is_positional() {
        extra.push_str(" (needed)");
    }
    extra
}

#[test]
fn the_reference_has_every_verb() {
    let mut command = super::command();
    command.build();
    let now = render(&command);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli-reference.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == now, "docs/cli-reference.md is old: UPDATE_DOCS=1 cargo test --lib reference writes it anew");
    for told in ["**vm create** `NAME`", "* `--boot-volume-size GB`: ", "* `-o, --output FORMAT`: ", "## quota"] {
        assert!(now.contains(told), "{told}");
    }
}
