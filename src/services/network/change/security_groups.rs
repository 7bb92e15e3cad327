//! Security groups and their rules.

use http_kit::Condition;
use ipnet::IpNet;
use kit::Fault;
use kit::ids::{ProjectId, SecurityGroupId, SecurityGroupRuleId};

use super::{Change, new_id};
use crate::db::{self, Selection};
use crate::domain::affected::Removal;
use crate::domain::attributes::Body;
use crate::domain::model::{Rule, SecurityGroup, Standard};
use crate::domain::{faults, protocol};

/// The name of the group that every project has.
const DEFAULT: &str = "default";

/// The project's `default` group, made now where it was not there yet.
///
/// # Errors
/// `OverQuota`, as in Neutron.
pub fn ensure_default(change: &mut Change<'_>, project: &ProjectId) -> Result<SecurityGroupId, Fault> {
    if let Some(id) = db::security_groups::default_of(change.db, project)? {
        return Ok(id);
    }
    // Nobody's things (a router's gateway port) need no group; callers do not ask for them.
    let group = insert(change, project, DEFAULT, "Default security group".to_owned(), true, true)?;
    Ok(group.id)
}

/// Makes a group for `project`.
///
/// # Errors
/// `SecurityGroupDefaultAlreadyExists`, `OverQuota`.
pub fn create(change: &mut Change<'_>, project: &ProjectId, body: &Body) -> Result<SecurityGroup, Fault> {
    ensure_default(change, project)?;
    let name = body.text("name").unwrap_or_default();
    if name.eq_ignore_ascii_case(DEFAULT) {
        return Err(faults::default_already_exists());
    }
    let description = body.text("description").unwrap_or_default();
    insert(change, project, &name, description, body.flag("stateful").unwrap_or(true), false)
}

fn insert(
    change: &mut Change<'_>,
    project: &ProjectId,
    name: &str,
    description: String,
    stateful: bool,
    is_default: bool,
) -> Result<SecurityGroup, Fault> {
    db::quotas::reserve(change.db, project, "security_group", 1)?;
    let mut standard = Standard::new(description, change.now);
    standard.revision_number = 1;
    let mut group = SecurityGroup {
        id: new_id::<SecurityGroupId>(),
        project_id: project.clone(),
        name: name.to_owned(),
        stateful,
        is_default,
        rules: Vec::new(),
        standard,
    };
    db::security_groups::put(change.db, &group)?;
    let directions: &[&str] = if is_default { &["ingress", "egress"] } else { &["egress"] };
    for direction in directions {
        for ethertype in ["IPv4", "IPv6"] {
            let mut rule = first_rule(change, &group, direction, ethertype);
            rule.number = db::rules::insert(change.db, &rule)?;
            group.rules.push(rule);
        }
    }
    Ok(group)
}

/// One of the rules that a group comes with: everything out, and, in a `default` group, everything from its own members in.
fn first_rule(change: &Change<'_>, group: &SecurityGroup, direction: &str, ethertype: &str) -> Rule {
    Rule {
        number: 0,
        id: new_id::<SecurityGroupRuleId>(),
        security_group_id: group.id.clone(),
        project_id: group.project_id.clone(),
        direction: direction.to_owned(),
        ethertype: ethertype.to_owned(),
        protocol: None,
        port_range_min: None,
        port_range_max: None,
        remote_ip_prefix: None,
        remote_group_id: (direction == "ingress").then(|| group.id.clone()),
        description: None,
        in_default_group: group.is_default,
        revision_number: 0,
        created_at: change.now,
        updated_at: change.now,
    }
}

/// Changes a group.
///
/// # Errors
/// `SecurityGroupNotFound`, `SecurityGroupCannotUpdateDefault`, `SecurityGroupInUse` for a change of `stateful`.
pub fn update(change: &mut Change<'_>, id: &SecurityGroupId, body: &Body) -> Result<SecurityGroup, Fault> {
    let mut group = db::security_groups::get(change.db, id)?.ok_or_else(|| faults::security_group_not_found(id))?;
    if let Some(name) = body.text("name") {
        if group.is_default && name != group.name {
            return Err(faults::cannot_update_default());
        }
        if !group.is_default && name.eq_ignore_ascii_case(DEFAULT) {
            return Err(faults::default_already_exists());
        }
        group.name = name;
    }
    if let Some(stateful) = body.flag("stateful").filter(|stateful| *stateful != group.stateful) {
        if db::security_groups::is_used(change.db, id)? {
            return Err(faults::security_group_in_use(id));
        }
        group.stateful = stateful;
    }
    if let Some(description) = body.text("description") {
        group.standard.description = description;
    }
    group.standard.touch(change.now);
    db::security_groups::put(change.db, &group)?;
    change.affected.groups.insert(id.clone());
    Ok(group)
}

/// Takes a group away, with its rules and the rules of others that refer to it. Only an administrator can
/// take a `default` group away.
///
/// # Errors
/// `SecurityGroupNotFound`, `SecurityGroupInUse`, `SecurityGroupCannotRemoveDefault`.
pub fn delete(change: &mut Change<'_>, id: &SecurityGroupId) -> Result<(), Fault> {
    let group = db::security_groups::get(change.db, id)?.ok_or_else(|| faults::security_group_not_found(id))?;
    if db::security_groups::is_used(change.db, id)? {
        return Err(faults::security_group_in_use(id));
    }
    if group.is_default && !change.is_admin {
        return Err(faults::cannot_remove_default());
    }
    change.affected.groups.extend(db::security_groups::referring_to(change.db, id)?);
    change.affected.groups.remove(id);
    for agent in db::agents::list(change.db, &Selection::of(Condition::all()))? {
        change.affected.removed.push((agent.host, Removal::Group(id.clone())));
    }
    db::security_groups::delete(change.db, id)
}

/// Makes a rule for `project`.
///
/// # Errors
/// Neutron's errors for rules that contradict themselves; `SecurityGroupRuleExists`; `OverQuota`.
pub fn create_rule(change: &mut Change<'_>, project: &ProjectId, body: &Body) -> Result<Rule, Fault> {
    let group_id = SecurityGroupId::from(body.text("security_group_id").unwrap_or_default());
    let found = db::security_groups::get(change.db, &group_id)?;
    let group = found
        .filter(|group| change.may_use(&group.project_id, project))
        .ok_or_else(|| faults::security_group_not_found(&group_id))?;
    let rule = read_rule(change, project, &group, body)?;
    if let Some(remote) = &rule.remote_group_id {
        let found = db::security_groups::get(change.db, remote)?;
        if !found.is_some_and(|group| change.may_use(&group.project_id, project)) {
            return Err(faults::security_group_not_found(remote));
        }
    }
    if let Some(existing) = db::rules::same_as(change.db, &rule)? {
        return Err(faults::rule_exists(existing));
    }
    db::quotas::reserve(change.db, project, "security_group_rule", 1)?;
    let number = db::rules::insert(change.db, &rule)?;
    touch(change, group)?;
    Ok(Rule { number, ..rule })
}

fn touch(change: &mut Change<'_>, mut group: SecurityGroup) -> Result<(), Fault> {
    group.standard.touch(change.now);
    db::security_groups::put(change.db, &group)?;
    change.affected.groups.insert(group.id);
    Ok(())
}

fn read_rule(change: &Change<'_>, project: &ProjectId, group: &SecurityGroup, body: &Body) -> Result<Rule, Fault> {
    let port = |name: &str| body.integer(name).and_then(|number| u16::try_from(number).ok());
    let ethertype = body.text("ethertype").unwrap_or_else(|| "IPv4".to_owned());
    // Neutron keeps "any" and "0" as "all protocols".
    let named = body.text("protocol").filter(|text| !matches!(text.as_str(), "any" | "" | "0"));
    let rule = Rule {
        number: 0,
        id: new_id::<SecurityGroupRuleId>(),
        security_group_id: group.id.clone(),
        project_id: project.clone(),
        direction: body.text("direction").unwrap_or_default(),
        protocol: named.as_deref().map(|text| protocol::canonical(text, &ethertype)),
        ethertype,
        port_range_min: port("port_range_min"),
        port_range_max: port("port_range_max"),
        remote_ip_prefix: body.text("remote_ip_prefix"),
        remote_group_id: body.text("remote_group_id").map(SecurityGroupId::from),
        description: Some(body.text("description").unwrap_or_default()),
        in_default_group: group.is_default,
        revision_number: 0,
        created_at: change.now,
        updated_at: change.now,
    };
    check_rule(&rule, named.as_deref())?;
    Ok(rule)
}

/// What must hold of a rule; `named` is the protocol as it was asked for.
fn check_rule(rule: &Rule, named: Option<&str>) -> Result<(), Fault> {
    if rule.remote_ip_prefix.is_some() && rule.remote_group_id.is_some() {
        return Err(faults::remote_group_and_prefix());
    }
    if let Some(named) = named {
        if protocol::number(named).is_none() {
            return Err(faults::invalid_protocol(named, protocol::names()));
        }
        if rule.ethertype == "IPv4" && protocol::is_ipv6_only(named) {
            return Err(faults::ethertype_conflict(&rule.ethertype, named));
        }
    }
    check_ports(rule)?;
    let Some(text) = &rule.remote_ip_prefix else { return Ok(()) };
    let v6 = text.contains(':');
    if v6 == (rule.ethertype == "IPv6") { Ok(()) } else { Err(faults::rule_parameter_conflict(&rule.ethertype, text)) }
}

fn check_ports(rule: &Rule) -> Result<(), Fault> {
    let (min, max) = (rule.port_range_min, rule.port_range_max);
    if min.is_none() && max.is_none() {
        return Ok(());
    }
    let number = rule.protocol.as_deref().and_then(protocol::number).ok_or_else(faults::protocol_required)?;
    match number {
        protocol::ICMP | protocol::ICMPV6 => {
            for (field, attribute, value) in [("type", "port_range_min", min), ("code", "port_range_max", max)] {
                if let Some(value) = value.filter(|value| *value > 255) {
                    return Err(faults::invalid_icmp_value(field, attribute, value));
                }
            }
            match (min, max) {
                (None, Some(code)) => Err(faults::missing_icmp_type(code)),
                _ => Ok(()),
            }
        }
        number if protocol::has_ports(number) => match (min, max) {
            (Some(0), _) | (_, Some(0)) => Err(faults::invalid_port_value(0)),
            (Some(min), Some(max)) if min <= max => Ok(()),
            _ => Err(faults::invalid_port_range()),
        },
        _ => {
            let protocol = rule.protocol.clone().unwrap_or_default();
            Err(faults::invalid_protocol_for_port(protocol, "dccp, sctp, tcp, udp, udplite"))
        }
    }
}

/// Takes a rule away.
///
/// # Errors
/// `SecurityGroupRuleNotFound`.
pub fn delete_rule(change: &mut Change<'_>, id: &SecurityGroupRuleId) -> Result<(), Fault> {
    let rule = db::rules::get(change.db, id)?.ok_or_else(|| faults::rule_not_found(id))?;
    db::rules::delete(change.db, id)?;
    match db::security_groups::get(change.db, &rule.security_group_id)? {
        Some(group) => touch(change, group),
        None => Ok(()),
    }
}

/// `text` as a range: what a rule's `remote_ip_prefix` means, and its `normalized_cidr`.
#[must_use]
pub fn normalized(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from)).ok().map(|net| net.trunc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(
        protocol: Option<&str>,
        ports: (Option<u16>, Option<u16>),
        ethertype: &str,
        prefix: Option<&str>,
    ) -> String {
        let rule = Rule {
            number: 0,
            id: "r".into(),
            security_group_id: "g".into(),
            project_id: "p".into(),
            direction: "ingress".to_owned(),
            ethertype: ethertype.to_owned(),
            protocol: protocol.map(str::to_owned),
            port_range_min: ports.0,
            port_range_max: ports.1,
            remote_ip_prefix: prefix.map(str::to_owned),
            remote_group_id: None,
            description: None,
            in_default_group: false,
            revision_number: 0,
            created_at: kit::Timestamp::UNIX_EPOCH,
            updated_at: kit::Timestamp::UNIX_EPOCH,
        };
        check_rule(&rule, protocol).err().and_then(|fault| fault.code().map(str::to_owned)).unwrap_or_default()
    }

    #[test]
    fn rules_that_contradict_themselves_are_refused() {
        assert_eq!(code(Some("tcp"), (Some(22), Some(22)), "IPv4", Some("10.0.0.0/8")), "");
        assert_eq!(code(Some("icmp"), (Some(8), None), "IPv4", None), "");
        assert_eq!(code(Some("6"), (Some(1), Some(65535)), "IPv6", Some("::/0")), "");
        assert_eq!(code(None, (Some(22), Some(22)), "IPv4", None), "SecurityGroupProtocolRequiredWithPorts");
        assert_eq!(code(Some("tcp"), (Some(80), Some(22)), "IPv4", None), "SecurityGroupInvalidPortRange");
        assert_eq!(code(Some("tcp"), (Some(80), None), "IPv4", None), "SecurityGroupInvalidPortRange");
        assert_eq!(code(Some("icmp"), (Some(300), None), "IPv4", None), "SecurityGroupInvalidIcmpValue");
        assert_eq!(code(Some("icmp"), (None, Some(3)), "IPv4", None), "SecurityGroupMissingIcmpType");
        assert_eq!(code(Some("gre"), (Some(1), Some(2)), "IPv4", None), "SecurityGroupInvalidProtocolForPort");
        assert_eq!(code(Some("bogus"), (None, None), "IPv4", None), "SecurityGroupInvalidProtocol");
        assert_eq!(code(Some("ipv6-icmp"), (None, None), "IPv4", None), "SecurityGroupEthertypeConflictWithProtocol");
        assert_eq!(code(Some("tcp"), (None, None), "IPv4", Some("::/0")), "SecurityGroupRuleParameterConflict");
    }
}
