//! What holds of every description.

use std::collections::BTreeSet;

use super::resource::{Does, Kind};
use super::*;

fn line() -> Command {
    crate::cli::command()
}

#[test]
fn every_verb_can_be_said_and_is_found() {
    let command = line();
    for resource in ALL {
        let noun = command.find_subcommand(resource.noun.command).unwrap();
        for verb in resource.verbs {
            let known = noun.find_subcommand(verb.name).unwrap();
            assert!(
                known.get_about().is_some() && !resource.about.is_empty(),
                "{} {}",
                resource.noun.command,
                verb.name
            );
        }
    }
}

#[test]
fn no_verb_is_described_twice() {
    let mut seen = BTreeSet::new();
    for resource in ALL {
        for verb in resource.verbs {
            assert!(seen.insert((resource.noun.command, verb.name)), "{} {}", resource.noun.command, verb.name);
        }
    }
}

#[test]
fn a_path_names_what_can_be_said() {
    for resource in ALL {
        for verb in resource.verbs {
            let Does::Call(call) = verb.does else { continue };
            for path in call.paths {
                for part in path.split('{').skip(1) {
                    let name = part.split_once('}').unwrap().0;
                    // The token's own are the client's to know.
                    if ["user_id", "project_id"].contains(&name) {
                        continue;
                    }
                    assert!(
                        verb.args.iter().any(|arg| arg.name == name),
                        "{} {}: {name}",
                        resource.noun.command,
                        verb.name
                    );
                }
            }
        }
    }
}

#[test]
fn what_a_flag_stands_for_is_json() {
    for resource in ALL {
        for arg in resource.verbs.iter().flat_map(|verb| verb.args) {
            if let Kind::Flag(literal) = arg.kind {
                assert!(serde_json::from_str::<serde_json::Value>(literal).is_ok(), "{}", arg.name);
            }
        }
    }
}

#[test]
fn what_is_typed_is_understood() {
    for words in [
        "user create ann --password - --project shop --disable",
        "role grant member --user ann --project shop",
        "role grant reader --group ops --system",
        "role-assignment list --effective --user ann -o wide",
        "project mine",
        "subnet create lan --network default --range 10.1.0.0/24 --ip-version 4 --no-gateway --dns 1.1.1.1 --dns 8.8.8.8",
        "port create web --network default --address 10.1.0.9 --allow-address 10.1.0.10,fa:16:3e:00:00:01",
        "router set edge --gateway public",
        "floating-ip create public --port web",
        "vm set web --name www",
        "vm lock web --reason audit",
        "vm set-property web tier=front owner=ann",
        "application-credential create ci --role member",
        "volume set data --property a=b",
        "server-group create apart --policy anti-affinity",
        "region rm RegionTwo RegionThree",
        "limit create servers --limit 5 --service nova --project shop",
        "registered-limit create class:VCPU --default -1 --service nova",
        "service-provider create east --auth-url http://e/v3 --sp-url http://e/sp --disable",
        "identity-provider set-protocol corp openid --mapping m",
        "endpoint-group create inner --match interface=internal",
        "domain set-config corp ldap.json",
        "ec2-credential create --project shop",
        "image-cache queued",
        "image copy tiny fast far",
        "image remove-copy tiny far",
        "consumer authorize 7 --role member",
        "metadef list --visibility public",
        "resource-provider inventories host-1",
        "compute-service force-down 7",
        "project tag shop gold",
    ] {
        let matches = line().try_get_matches_from(std::iter::once("cloudbox").chain(words.split(' ')));
        let matches = matches.unwrap_or_else(|error| panic!("{words}: {error}"));
        assert!(said(&matches).is_some(), "{words}");
    }
    for words in
        ["user create ann --enable --disable", "server-group create x --policy never", "role grant member --color red"]
    {
        assert!(line().try_get_matches_from(std::iter::once("cloudbox").chain(words.split(' '))).is_err(), "{words}");
    }
    // A verb that is written by hand stays so.
    let matches = line().try_get_matches_from(["cloudbox", "vm", "list"]).unwrap();
    assert!(said(&matches).is_none());
}
