//! Inherited roles, roles of domains, what follows from them, and lists of it all.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use store::{params, query};

use super::{Cloud, id, message, names};

/// The role assignments that `query` asks for.
async fn listed(cloud: &Cloud, query: &str) -> Vec<Value> {
    let listed = cloud.admin(200, "GET", &format!("/role_assignments?{query}"), Value::Null).await;
    listed["role_assignments"].as_array().unwrap().clone()
}

async fn child(cloud: &Cloud, name: &str, parent: &str) -> String {
    let body = json!({"project": {"name": name, "parent_id": parent}});
    id(&cloud.admin(201, "POST", "/projects", body).await["project"])
}

#[tokio::test]
async fn inherited_roles_hold_below_and_end_at_once() {
    let cloud = Cloud::start().await;
    let (alice, bob) = (cloud.user("alice").await, cloud.user("bob").await);
    let group = cloud.group("dev", &[&bob]).await;
    let top = cloud.project("top").await;
    let (middle, role) = (child(&cloud, "middle", &top).await, cloud.role("member").await);
    let leaf = child(&cloud, "leaf", &middle).await;
    for (user, holder) in [("alice", format!("users/{alice}")), ("bob", format!("groups/{group}"))] {
        for (place, held) in [("/domains/default".to_owned(), 3), (format!("/projects/{top}"), 2)] {
            let grant = format!("/OS-INHERIT{place}/{holder}/roles/{role}/inherited_to_projects");
            cloud.admin(404, "GET", &grant, Value::Null).await;
            cloud.quietly("PUT", &grant).await;
            cloud.quietly("PUT", &grant).await;
            cloud.quietly("HEAD", &grant).await;
            cloud.admin(404, "GET", &format!("{place}/{holder}/roles/{role}"), Value::Null).await;
            let mut tokens = Vec::new();
            for project in [&top, &middle, &leaf] {
                let login = cloud.login(user, Some(json!({"project": {"id": project}}))).await;
                if login.status == 201 {
                    tokens.push(login.header("x-subject-token").to_owned());
                }
            }
            assert_eq!(tokens.len(), held, "{grant}");
            assert_eq!(cloud.login(user, Some(json!({"domain": {"id": "default"}}))).await.status, 401);
            let own = cloud.call(&tokens[0], "GET", "/auth/projects", Value::Null).await.json();
            let below = names(&own["projects"]);
            assert_eq!(below.iter().any(|name| name == "top"), held == 3, "{below:?}");
            assert!(["leaf", "middle"].iter().all(|name| below.iter().any(|it| it == name)), "{below:?}");
            cloud.quietly("DELETE", &grant).await;
            for token in &tokens {
                assert!(cloud.validate(token).await.is_err());
            }
            cloud.admin(404, "DELETE", &grant, Value::Null).await;
        }
    }
    let grants = format!("/OS-INHERIT/domains/default/users/{alice}/roles");
    cloud.quietly("PUT", &format!("{grants}/{role}/inherited_to_projects")).await;
    let roles = cloud.admin(200, "GET", &format!("{grants}/inherited_to_projects"), Value::Null).await;
    assert_eq!(names(&roles["roles"]), ["member"]);
    let direct = cloud.admin(200, "GET", &format!("/domains/default/users/{alice}/roles"), Value::Null).await;
    assert_eq!(direct["roles"], json!([]));
}

#[tokio::test]
async fn every_filter_narrows() {
    let cloud = Cloud::start().await;
    let (alice, group) = (cloud.user("alice").await, cloud.group("dev", &[]).await);
    let (web, member, reader) = (cloud.project("web").await, cloud.role("member").await, cloud.role("reader").await);
    for grant in [
        format!("/projects/{web}/users/{alice}/roles/{member}"),
        format!("/projects/{web}/groups/{group}/roles/{reader}"),
        format!("/domains/default/users/{alice}/roles/{reader}"),
        format!("/system/groups/{group}/roles/{reader}"),
        format!("/OS-INHERIT/domains/default/users/{alice}/roles/{member}/inherited_to_projects"),
    ] {
        cloud.quietly("PUT", &grant).await;
    }
    for (query, expected) in [
        (format!("user.id={alice}"), 3),
        (format!("group.id={group}"), 2),
        (format!("user.id={alice}&role.id={member}"), 2),
        (format!("scope.project.id={web}"), 2),
        ("scope.domain.id=default".to_owned(), 2),
        (format!("scope.system=all&group.id={group}"), 1),
        (format!("scope.system=some&group.id={group}"), 2),
        (format!("user.id={alice}&scope.OS-INHERIT:inherited_to=projects"), 1),
        (format!("user.id={alice}&scope.OS-INHERIT:inherited_to=no"), 2),
        (format!("user.id={alice}&effective&scope.project.id={web}"), 4),
        (format!("user.id={alice}&effective&scope.project.id={web}&scope.OS-INHERIT:inherited_to=projects"), 2),
        (format!("user.id={alice}&effective&scope.domain.id=default"), 1),
        (format!("user.id={alice}&effective&role.id={reader}&scope.project.id={web}"), 2),
        ("user.id=nope".to_owned(), 0),
    ] {
        assert_eq!(listed(&cloud, &query).await.len(), expected, "{query}");
    }
    for (status, query, expected) in [
        (400, "user.id=a&group.id=b", "Specify a user or group, not both"),
        (400, "scope.project.id=a&scope.domain.id=b", "Specify a domain or project, not both"),
        (400, "scope.system=all&scope.domain.id=b", "Specify system or domain, not both"),
        (400, "scope.system=all&scope.project.id=b", "Specify system or project, not both"),
        (400, "effective&group.id=a", "Combining effective and group filter will always result in an empty list."),
        (
            400,
            "effective&scope.domain.id=a&scope.OS-INHERIT:inherited_to=projects",
            "Combining effective, domain and inherited filters will always result in an empty list.",
        ),
        (404, "effective&user.id=nope", "Could not find user: nope."),
        (404, "effective&scope.project.id=nope", "Could not find project: nope."),
    ] {
        let answer = cloud.call(&cloud.admin, "GET", &format!("/role_assignments?{query}"), Value::Null).await;
        assert_eq!((answer.status, message(&answer).as_str()), (status, expected), "{query}");
    }
}

#[tokio::test]
async fn what_is_effective_says_where_it_comes_from() {
    let cloud = Cloud::start().await;
    let alice = cloud.user("alice").await;
    let (group, top) = (cloud.group("dev", &[&alice]).await, cloud.project("top").await);
    let (leaf, role, reader) =
        (child(&cloud, "leaf", &top).await, cloud.role("member").await, cloud.role("reader").await);
    let grant = format!("/OS-INHERIT/projects/{top}/groups/{group}/roles/{role}/inherited_to_projects");
    cloud.quietly("PUT", &grant).await;
    let base = "http://cloud.test/identity/v3";
    let default = json!({"id": "default", "name": "Default"});
    let given = listed(&cloud, &format!("group.id={group}&include_names")).await;
    assert_eq!(
        given,
        [json!({
            "links": {"assignment": format!("{base}{grant}")},
            "group": {"id": group, "name": "dev", "domain": default},
            "role": {"id": role, "name": "member"},
            "scope": {"project": {"id": top, "name": "top", "domain": default}, "OS-INHERIT:inherited_to": "projects"},
        })]
    );
    let effective = listed(&cloud, &format!("user.id={alice}&effective")).await;
    let scope = json!({"project": {"id": leaf}, "OS-INHERIT:inherited_to": "projects"});
    let membership = format!("{base}/groups/{group}/users/{alice}");
    assert_eq!(
        effective,
        [
            json!({
                "links": {"assignment": format!("{base}{grant}"), "membership": membership},
                "user": {"id": alice}, "role": {"id": role}, "scope": scope,
            }),
            json!({
                "links": {
                    "assignment": format!("{base}{grant}"), "membership": membership,
                    "prior_role": format!("{base}/prior_role/{reader}/implies/{role}"),
                },
                "user": {"id": alice}, "role": {"id": reader}, "scope": scope,
            }),
        ]
    );
    let tree = listed(&cloud, &format!("scope.project.id={top}&include_subtree&effective&user.id={alice}")).await;
    assert_eq!(tree, effective);
    assert_eq!(listed(&cloud, &format!("scope.project.id={top}&effective&user.id={alice}")).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_domains_role_counts_by_what_it_implies() {
    let cloud = Cloud::start().await;
    let domain = id(&cloud.admin(201, "POST", "/domains", json!({"domain": {"name": "d"}})).await["domain"]);
    let role = json!({"role": {"name": "dba", "domain_id": domain}});
    let own = id(&cloud.admin(201, "POST", "/roles", role.clone()).await["role"]);
    cloud.admin(409, "POST", "/roles", role).await;
    let global = id(&cloud.admin(201, "POST", "/roles", json!({"role": {"name": "dba"}})).await["role"]);
    let of_domain = cloud.admin(200, "GET", &format!("/roles?domain_id={domain}"), Value::Null).await;
    assert_eq!(id(&of_domain["roles"][0]), own);
    let (alice, web) = (cloud.user("alice").await, cloud.project("web").await);
    let theirs = json!({"project": {"name": "p", "domain_id": domain}});
    let theirs = id(&cloud.admin(201, "POST", "/projects", theirs).await["project"]);
    for (status, path, expected) in [
        (403, format!("/projects/{web}/users/{alice}/roles/{own}"), "must be in the same domain as the role"),
        (400, format!("/system/users/{alice}/roles/{own}"), "Unable to use a domain-specific role in a system"),
        (403, format!("/roles/{global}/implies/{own}"), "Global role cannot imply a domain-specific role"),
        (403, format!("/roles/{own}/implies/{}", cloud.role("admin").await), "cannot be an implied roles."),
        (404, format!("/roles/{own}/implies/nope"), "Could not find role: nope."),
    ] {
        let answer = cloud.call(&cloud.admin, "PUT", &path, Value::Null).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(message(&answer).contains(expected), "{}", answer.text());
    }
    cloud.quietly("PUT", &format!("/projects/{theirs}/users/{alice}/roles/{own}")).await;
    let scope = Some(json!({"project": {"id": theirs}}));
    assert_eq!(cloud.login("alice", scope.clone()).await.status, 401);
    let none = cloud.admin(200, "GET", &format!("/users/{alice}/projects"), Value::Null).await;
    assert_eq!(none["projects"], json!([]));
    cloud.admin(201, "PUT", &format!("/roles/{own}/implies/{global}"), Value::Null).await;
    let token = cloud.token("alice", scope).await;
    let roles = cloud.validate(&token).await.unwrap().roles.clone();
    assert_eq!(roles.iter().map(|role| role.id.to_string()).collect::<Vec<_>>(), [global.as_str()]);
    let some = cloud.admin(200, "GET", &format!("/users/{alice}/projects"), Value::Null).await;
    assert_eq!(names(&some["projects"]), ["p"]);
    let effective = listed(&cloud, &format!("user.id={alice}&effective&include_names")).await;
    assert_eq!(effective.len(), 1);
    assert_eq!(effective[0]["role"], json!({"id": global, "name": "dba"}));
    let given = listed(&cloud, &format!("user.id={alice}&include_names")).await;
    assert_eq!(given[0]["role"], json!({"id": own, "name": "dba", "domain": {"id": domain, "name": "d"}}));
    cloud.quietly("DELETE", &format!("/roles/{own}/implies/{global}")).await;
    assert!(cloud.validate(&token).await.is_err());
}

#[tokio::test]
async fn roles_that_imply_each_other_end() {
    let cloud = Cloud::start().await;
    let mut roles = Vec::new();
    for name in ["a", "b", "c"] {
        roles.push(id(&cloud.admin(201, "POST", "/roles", json!({"role": {"name": name}})).await["role"]));
    }
    for (prior, implied) in [(0, 1), (1, 2), (2, 0), (0, 0)] {
        let path = format!("/roles/{}/implies/{}", roles[prior], roles[implied]);
        cloud.admin(201, "PUT", &path, Value::Null).await;
    }
    let (alice, web) = (cloud.user("alice").await, cloud.project("web").await);
    cloud.quietly("PUT", &format!("/projects/{web}/users/{alice}/roles/{}", roles[0])).await;
    let token = cloud.token("alice", Some(json!({"project": {"id": web}}))).await;
    assert_eq!(cloud.validate(&token).await.unwrap().roles.len(), 3);
    // As given, and once for each implication.
    assert_eq!(listed(&cloud, &format!("user.id={alice}&effective")).await.len(), 5);
    for role in &roles[1..] {
        cloud.quietly("DELETE", &format!("/roles/{role}")).await;
    }
    assert_eq!(cloud.validate(&token).await.unwrap().roles.len(), 1);
}

/// 100 users in 10 groups, 50 projects in trees of 5, and 10,000 assignments.
async fn crowd(cloud: &Cloud) {
    let role = cloud.role("member").await;
    cloud
        .store
        .write(move |db| {
            let numbers = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)";
            let insert = |count: i64, into: &str, sql: &str| {
                query::execute(db, &format!("INSERT INTO {into} {numbers} {sql}"), params![count])
                    .map(drop)
                    .map_err(kit::Fault::from)
            };
            insert(
                100,
                "identity_users (id, domain_id, name, enabled, options, extra, tokens_valid_since)",
                "SELECT 'u' || i, 'default', 'u' || i, 1, '{}', '{}', 0 FROM n",
            )?;
            insert(
                50,
                "identity_projects (id, name, domain_id, parent_id, is_domain, enabled, tags, options, extra,
                                    tokens_valid_since)",
                "SELECT 'p' || i, 'p' || i, 'default', CASE i % 5 WHEN 0 THEN 'default' ELSE 'p' || (i - 1) END, 0, 1,
                        '[]', '{}', '{}', 0 FROM n",
            )?;
            insert(
                10,
                "identity_groups (id, domain_id, name, extra)",
                "SELECT 'g' || i, 'default', 'g' || i, '{}' FROM n",
            )?;
            insert(100, "identity_group_members (group_id, user_id)", "SELECT 'g' || (i % 10), 'u' || i FROM n")?;
            query::execute(
                db,
                "INSERT INTO identity_assignments (user_id, role_id, target_kind, target_id, inherited)
                 SELECT u.id, ?1, 'project', p.id, h.value FROM identity_users u, identity_projects p,
                        json_each('[0, 1]') h
                 WHERE u.id GLOB 'u[0-9]*' AND length(u.id) < 4 AND p.id GLOB 'p[0-9]*' AND length(p.id) < 4",
                params![role],
            )?;
            query::execute(
                db,
                "INSERT INTO identity_assignments (group_id, role_id, target_kind, target_id, inherited)
                 SELECT 'g1', ?1, 'domain', 'default', 1",
                params![role],
            )?;
            Ok::<_, kit::Fault>(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn ten_thousand_assignments_are_listed_quickly() {
    let cloud = Cloud::start().await;
    crowd(&cloud).await;
    // Only so much slower in a debug build on a busy machine that what is not in SQL would show.
    let quickly = |started: Instant, most: u64, what: &str| {
        let took = started.elapsed();
        assert!(took < Duration::from_millis(most), "{what} took {took:?}");
    };
    let started = Instant::now();
    assert_eq!(listed(&cloud, "").await.len(), 10_003);
    quickly(started, 3_000, "the whole list");
    let started = Instant::now();
    // A user: 50 given, 100 from above (4 + 3 + 2 + 1 in each of ten trees), twice for what member implies.
    assert_eq!(listed(&cloud, "user.id=u0&effective").await.len(), 300);
    // One whose group inherits from the domain besides: on 50 projects, `admin` and `service`.
    assert_eq!(listed(&cloud, "user.id=u1&effective&include_names").await.len(), 300 + 2 * 52);
    assert_eq!(listed(&cloud, "user.id=u0&scope.project.id=p4&effective").await.len(), 10);
    assert_eq!(listed(&cloud, "user.id=u0&scope.project.id=p0&include_subtree&effective").await.len(), 30);
    quickly(started, 1_000, "a user's effective list");
    let started = Instant::now();
    assert_eq!(listed(&cloud, "effective&include_names").await.len(), 2 * (5_000 + 10_000 + 10 * 52) + 4);
    quickly(started, 20_000, "the whole effective list");
}
