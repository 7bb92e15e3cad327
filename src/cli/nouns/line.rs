//! From a description to clap's commands.

use clap::builder::PossibleValuesParser;
use clap::{ArgAction, Command};

use super::resource::{Arg, Does, Kind, Resource, Verb};

/// The id of the operand that says which of a noun's things is meant.
pub(super) const WHICH: &str = "WHICH";

/// `command` with the verbs of `resource`, below its noun: a new one, or one that is there and has other verbs too.
pub(super) fn add(command: Command, resource: &'static Resource) -> Command {
    let verbs = resource.verbs.iter().map(verb);
    if command.find_subcommand(resource.noun.command).is_some() {
        return command.mut_subcommand(resource.noun.command, |noun| noun.subcommands(verbs));
    }
    let noun = Command::new(resource.noun.command).about(resource.about);
    command.subcommand(noun.subcommand_required(true).arg_required_else_help(true).subcommands(verbs))
}

fn verb(verb: &'static Verb) -> Command {
    let mut command = Command::new(verb.name).about(verb.about);
    match verb.does {
        Does::List => command = command.visible_alias("ls"),
        Does::Delete => {
            command = command.visible_alias("rm").arg(which("Names or ids").num_args(1..).action(ArgAction::Append))
        }
        Does::Show | Does::Change(_) => command = command.arg(which("Name or id")),
        Does::Create | Does::Call(_) => {}
    }
    for arg in verb.args {
        let target = arg.target();
        // Two ways to say one thing: --enable and --disable.
        let others =
            verb.args.iter().filter(|other| !arg.positional && other.name != arg.name && other.target() == target);
        command = command.arg(clap_arg(arg).conflicts_with_all(others.map(|other| other.name).collect::<Vec<_>>()));
    }
    command
}

fn which(help: &'static str) -> clap::Arg {
    clap::Arg::new(WHICH).value_name("NAME").help(help).required(true)
}

fn clap_arg(arg: &'static Arg) -> clap::Arg {
    let made = clap::Arg::new(arg.name).help(arg.help).required(arg.required).hide(arg.always);
    let made = if arg.positional { made } else { made.long(arg.name) };
    let named = |made: clap::Arg, name: &'static str| if arg.positional { made } else { made.value_name(name) };
    match arg.kind {
        Kind::Flag(_) => made.action(ArgAction::SetTrue),
        Kind::Text => named(made, "TEXT"),
        Kind::Secret => named(made, "SECRET"),
        Kind::Number => named(made, "N").value_parser(clap::value_parser!(i64)).allow_negative_numbers(true),
        Kind::Choice(choices) => named(made, "WHICH").value_parser(PossibleValuesParser::new(choices)),
        Kind::Ref(_) => named(made, "NAME"),
        Kind::Parsed(name, _) => named(made, name),
        Kind::Texts => named(made, "TEXT").action(ArgAction::Append),
        Kind::Pairs => named(made, "KEY=VALUE").action(ArgAction::Append),
        Kind::Refs(_) | Kind::RefObjects(_) => named(made, "NAME").action(ArgAction::Append),
        Kind::ParsedMany(name, _) => named(made, name).action(ArgAction::Append),
    }
}
