//! What others on the host do that would cut guests off, and what can be done about it.
//!
//! A drop in anybody's chain is final: no rule in our tables can take it back. Docker sets the policy of iptables' `FORWARD`
//! chain to drop, and forwarded as well as bridged packets of ours pass there. `DOCKER-USER` is the chain that Docker
//! leaves to others for exactly this: four `ACCEPT`s for our devices go there, the only rules that we put into
//! a table that is not ours. Other firewalls that drop are reported, not changed.

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
    warnings
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
    let devices =
        ["br", "gw"].into_iter().flat_map(|kind| ["-i", "-o"].map(|side| format!("{side} {prefix}{kind}+ -j ACCEPT")));
    (devices.filter(|rule| !has(&format!("-A DOCKER-USER {rule}"))).collect(), None)
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
    fn another_firewall_is_reported() {
        let (missing, warning) = plan("cb", "iptables", "-P FORWARD DROP\n");
        assert!(missing.is_empty());
        assert!(warning.unwrap().contains("cbbr+"));
    }
}
