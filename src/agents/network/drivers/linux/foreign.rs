//! What others on the host do that would cut guests off, and what can be done about it.
//!
//! A drop in anybody's chain is final: no rule in our tables can take it back. Docker sets the policy of iptables' `FORWARD`
//! chain to drop, and forwarded as well as bridged packets of ours pass there. `DOCKER-USER` is the chain that Docker
//! leaves to others for exactly this: four `ACCEPT`s for our devices go there, the only rules that we put into
//! a table that is not ours. firewalld rejects what no zone of its lets through: it is asked, by its own command, to trust our
//! devices, until it is next loaded. Other firewalls that drop are reported, not changed.

use serde::Deserialize;

use super::command::Tool;
use super::names::Names;

/// Lets guests through where that is provided for; says what stands in the way where not.
pub async fn make_way(names: &Names) -> Vec<String> {
    let mut warnings = Vec::new();
    for program in ["iptables", "ip6tables"] {
        let Some(rules) = list(program).await else { continue };
        let (insertions, warning) = plan(names.prefix(), program, &rules);
        for rule in insertions {
            let arguments = ["-w", "5", "-I", "DOCKER-USER"].into_iter().map(ToOwned::to_owned);
            let arguments = arguments.chain(rule.split(' ').map(ToOwned::to_owned));
            let tool = Tool::new("letting guests through Docker's rules", program, arguments);
            if let Err(error) = tool.run().await {
                warnings.push(format!("Docker's rules cut guests off, and DOCKER-USER could not be changed: {error}"));
            }
        }
        warnings.extend(warning);
    }
    let chains = forward_chains().await;
    if chains.iter().any(|chain| chain.table == "firewalld") {
        warnings.extend(join_trusted_zone(names.prefix()).await);
    }
    warnings.extend(dropping(names.prefix(), &chains));
    warnings
}

/// Takes back what [`make_way`] has put into others' tables, as far as it is there.
pub async fn give_back(names: &Names) {
    for program in ["iptables", "ip6tables"] {
        let rules = list(program).await.unwrap_or_default();
        for rule in accepts(names.prefix()).filter(|rule| stands(&rules, rule)) {
            let arguments = ["-w", "5", "-D", "DOCKER-USER"].into_iter().map(ToOwned::to_owned);
            let arguments = arguments.chain(rule.split(' ').map(ToOwned::to_owned));
            let tool = Tool::new("taking rules out of Docker's", program, arguments);
            if let Err(error) = tool.run().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "a rule is left in DOCKER-USER");
            }
        }
    }
    for device in ["br", "gw"].map(|kind| format!("{}{kind}+", names.prefix())) {
        let leave = ["--quiet".to_owned(), "--zone=trusted".to_owned(), format!("--remove-interface={device}")];
        // Where there is no firewalld, or it does not know them, there is nothing to leave.
        let _left = Tool::new("leaving firewalld's trusted zone", "firewall-cmd", leave).output().await;
    }
}

/// Asks firewalld to trust our devices; a warning where it does not.
async fn join_trusted_zone(prefix: &str) -> Option<String> {
    for device in ["br", "gw"].map(|kind| format!("{prefix}{kind}+")) {
        let command = |verb: &str| {
            let arguments = ["--quiet".to_owned(), "--zone=trusted".to_owned(), format!("--{verb}-interface={device}")];
            Tool::new("letting guests through firewalld", "firewall-cmd", arguments)
        };
        if command("query").output().await.is_ok_and(|asked| asked.status.success()) {
            continue;
        }
        if let Err(error) = command("add").run().await {
            return Some(format!("firewalld cuts guests off: put {device} into its zone trusted ({error})"));
        }
    }
    None
}

/// A chain on the kernel's forward hook, as `nft -j` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Chain {
    family: String,
    table: String,
    name: String,
    hook: Option<String>,
    policy: Option<String>,
}

#[derive(Deserialize)]
struct Listing {
    nftables: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    chain: Option<Chain>,
}

async fn forward_chains() -> Vec<Chain> {
    let listing = Tool::new("looking for rules of others", "nft", ["-j", "list", "chains"]).run().await;
    listing.map(|text| parse(&text)).unwrap_or_default()
}

fn parse(text: &str) -> Vec<Chain> {
    let listed = serde_json::from_str::<Listing>(text).map(|listing| listing.nftables).unwrap_or_default();
    let chains = listed.into_iter().filter_map(|listed| listed.chain);
    chains.filter(|chain| chain.hook.as_deref() == Some("forward")).collect()
}

/// Warnings of the tables of others that drop what they do not know. Those of iptables are looked at by its own name.
fn dropping(prefix: &str, chains: &[Chain]) -> Vec<String> {
    let drops =
        |chain: &&Chain| chain.policy.as_deref() == Some("drop") && chain.table != prefix && chain.name != "FORWARD";
    let warn = |chain: &Chain| {
        let Chain { family, table, name, .. } = chain;
        format!(
            "the policy of chain {name} in the nftables table {family} {table} is drop: let {prefix}br* and {prefix}gw* through it, in both directions"
        )
    };
    chains.iter().filter(drops).map(warn).collect()
}

async fn list(program: &'static str) -> Option<String> {
    let listing = Tool::new("looking for rules of others", program, ["-w", "5", "-S"]).output().await.ok()?;
    listing.status.success().then(|| String::from_utf8_lossy(&listing.stdout).into_owned())
}

/// The rules that are missing in `DOCKER-USER`, and a warning where there is no such chain. Pure.
fn plan(prefix: &str, program: &str, rules: &str) -> (Vec<String>, Option<String>) {
    let has = |wanted: &str| rules.lines().any(|line| line.trim() == wanted);
    if !has("-P FORWARD DROP") {
        return (Vec::new(), None);
    }
    if !has("-N DOCKER-USER") {
        let warning = format!(
            "the policy of {program}'s FORWARD chain is DROP: let {prefix}br+ and {prefix}gw+ through it, in both directions"
        );
        return (Vec::new(), Some(warning));
    }
    (accepts(prefix).filter(|rule| !stands(rules, rule)).collect(), None)
}

/// What lets our devices through.
fn accepts(prefix: &str) -> impl Iterator<Item = String> {
    let sides = ["br", "gw"].into_iter().flat_map(|kind| ["-i", "-o"].map(|side| (kind, side)));
    sides.map(move |(kind, side)| format!("{side} {prefix}{kind}+ -j ACCEPT"))
}

/// Whether `DOCKER-USER` has a rule.
fn stands(rules: &str, rule: &str) -> bool {
    rules.lines().any(|line| line.trim() == format!("-A DOCKER-USER {rule}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_forward_chain_is_left_alone() {
        assert_eq!(plan("cb", "iptables", "-P INPUT ACCEPT\n-P FORWARD ACCEPT\n"), (Vec::new(), None));
    }

    #[test]
    fn docker_gets_what_is_missing() {
        let rules = "-P FORWARD DROP\n-N DOCKER-USER\n-A FORWARD -j DOCKER-USER\n-A DOCKER-USER -i cbbr+ -j ACCEPT\n";
        let (missing, warning) = plan("cb", "iptables", rules);
        assert_eq!(missing, ["-o cbbr+ -j ACCEPT", "-i cbgw+ -j ACCEPT", "-o cbgw+ -j ACCEPT"]);
        assert!(warning.is_none());
    }

    #[test]
    fn a_table_that_drops_is_reported_and_ours_is_not() {
        let chain = |table: &str, name: &str, hook: &str, policy: &str| {
            format!(
                r#"{{"chain":{{"family":"inet","table":"{table}","name":"{name}","handle":1,"type":"filter","hook":"{hook}","prio":0,"policy":"{policy}"}}}}"#
            )
        };
        let listed = [
            r#"{"metainfo":{"json_schema_version":1}}"#.to_owned(),
            r#"{"chain":{"family":"inet","table":"theirs","name":"plain","handle":2}}"#.to_owned(),
            chain("theirs", "fwd", "forward", "drop"),
            chain("theirs", "in", "input", "drop"),
            chain("cb", "receiver", "forward", "drop"),
            chain("filter", "FORWARD", "forward", "drop"),
            chain("firewalld", "filter_FORWARD", "forward", "accept"),
        ];
        let chains = parse(&format!(r#"{{"nftables":[{}]}}"#, listed.join(",")));
        assert_eq!(chains.len(), 4);
        let warnings = dropping("cb", &chains);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("chain fwd in the nftables table inet theirs"));
    }

    #[test]
    fn another_firewall_is_reported() {
        let (missing, warning) = plan("cb", "iptables", "-P FORWARD DROP\n");
        assert!(missing.is_empty());
        assert!(warning.unwrap().contains("cbbr+"));
    }
}
