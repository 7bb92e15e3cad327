//! Roles, what they imply, grants and assignments.

use serde_json::{Value, json};

use super::{Cloud, id, message, names};

#[tokio::test]
async fn the_roles_of_a_first_start_imply_each_other() {
    let cloud = Cloud::start().await;
    let roles = cloud.admin(200, "GET", "/roles", Value::Null).await;
    assert_eq!(names(&roles["roles"]), ["admin", "manager", "member", "reader", "service"]);
    let member = cloud.role("member").await;
    let shown = cloud.admin(200, "GET", &format!("/roles/{member}"), Value::Null).await;
    assert_eq!(
        shown["role"],
        json!({
            "id": member, "name": "member", "domain_id": null, "description": null, "options": {"immutable": true},
            "links": {"self": format!("http://cloud.test/identity/v3/roles/{member}")},
        })
    );
    let implied = cloud.admin(200, "GET", &format!("/roles/{member}/implies"), Value::Null).await;
    assert_eq!(names(&implied["role_inference"]["implies"]), ["reader"]);
    let all = cloud.admin(200, "GET", "/role_inferences", Value::Null).await;
    assert_eq!(all["role_inferences"].as_array().unwrap().len(), 3);
    let refused = cloud.call(&cloud.admin, "DELETE", &format!("/roles/{member}"), Value::Null).await;
    assert_eq!(refused.status, 403);
    assert!(message(&refused).starts_with("Unable to delete immutable role resource"));
}

#[tokio::test]
async fn a_role_lives_and_dies() {
    let cloud = Cloud::start().await;
    let made = cloud.admin(201, "POST", "/roles", json!({"role": {"name": "dba", "description": "d"}})).await;
    let path = format!("/roles/{}", id(&made["role"]));
    let changed = cloud.admin(200, "PATCH", &path, json!({"role": {"name": "dba2"}})).await;
    assert_eq!((&changed["role"]["name"], &changed["role"]["description"]), (&json!("dba2"), &json!("d")));
    let reader = cloud.role("reader").await;
    let implies = format!("{path}/implies/{reader}");
    cloud.admin(404, "GET", &implies, Value::Null).await;
    cloud.admin(201, "PUT", &implies, Value::Null).await;
    cloud.admin(409, "PUT", &implies, Value::Null).await;
    cloud.admin(204, "HEAD", &implies, Value::Null).await;
    cloud.admin(204, "DELETE", &implies, Value::Null).await;
    cloud.admin(404, "DELETE", &implies, Value::Null).await;
    cloud.admin(204, "DELETE", &path, Value::Null).await;
    cloud.admin(404, "GET", &path, Value::Null).await;
}

#[tokio::test]
async fn a_grant_is_given_seen_and_taken() {
    let cloud = Cloud::start().await;
    let member = cloud.member("alice", "member").await;
    cloud.admin(204, "PUT", &member.grant, Value::Null).await;
    cloud.admin(204, "HEAD", &member.grant, Value::Null).await;
    cloud.admin(204, "GET", &member.grant, Value::Null).await;
    let of_user = format!("/projects/{}/users/{}/roles", member.project, member.user);
    let listed = cloud.admin(200, "GET", &of_user, Value::Null).await;
    assert_eq!(names(&listed["roles"]), ["member"]);
    let projects = cloud.admin(200, "GET", &format!("/users/{}/projects", member.user), Value::Null).await;
    assert_eq!(names(&projects["projects"]), ["alice"]);
    cloud.admin(204, "DELETE", &member.grant, Value::Null).await;
    cloud.admin(404, "HEAD", &member.grant, Value::Null).await;
    let again = cloud.call(&cloud.admin, "DELETE", &member.grant, Value::Null).await;
    assert_eq!(again.status, 404);
    assert!(message(&again).starts_with("Could not find role assignment with role: "), "{}", again.text());
    for (path, expected) in [
        (
            format!("/projects/nope/users/{}/roles/{}", member.user, cloud.role("member").await),
            "Could not find project: nope.",
        ),
        (
            format!("/projects/{}/users/nope/roles/{}", member.project, cloud.role("member").await),
            "Could not find user: nope.",
        ),
        (format!("/projects/{}/users/{}/roles/nope", member.project, member.user), "Could not find role: nope."),
    ] {
        let answer = cloud.call(&cloud.admin, "PUT", &path, Value::Null).await;
        assert_eq!((answer.status, message(&answer).as_str()), (404, expected));
    }
}

#[tokio::test]
async fn assignments_are_listed_as_given_and_as_they_work() {
    let cloud = Cloud::start().await;
    let member = cloud.member("alice", "member").await;
    let path = format!("/role_assignments?user.id={}&scope.project.id={}", member.user, member.project);
    let given = cloud.admin(200, "GET", &path, Value::Null).await;
    let role = cloud.role("member").await;
    let link = format!("http://cloud.test/identity/v3/projects/{}/users/{}/roles/{role}", member.project, member.user);
    assert_eq!(
        given["role_assignments"],
        json!([{
            "scope": {"project": {"id": member.project}}, "user": {"id": member.user}, "role": {"id": role},
            "links": {"assignment": link},
        }])
    );
    let effective = cloud.admin(200, "GET", &format!("{path}&effective&include_names=True"), Value::Null).await;
    let effective = effective["role_assignments"].as_array().unwrap().clone();
    let roles: Vec<&Value> = effective.iter().map(|it| &it["role"]["name"]).collect();
    assert_eq!(roles, ["member", "reader"]);
    let default = json!({"id": "default", "name": "Default"});
    assert_eq!(effective[1]["scope"], json!({"project": {"id": member.project, "name": "alice", "domain": default}}));
    assert_eq!(effective[1]["user"], json!({"id": member.user, "name": "alice", "domain": default}));
    assert_eq!(effective[1]["links"]["assignment"], json!(link));
    let reader = cloud.role("reader").await;
    let by_role = cloud.admin(200, "GET", &format!("{path}&effective&role.id={reader}"), Value::Null).await;
    assert_eq!(by_role["role_assignments"].as_array().unwrap().len(), 1);
    let system = cloud.admin(200, "GET", "/role_assignments?scope.system=all", Value::Null).await;
    assert_eq!(system["role_assignments"][0]["scope"], json!({"system": {"all": true}}));
    let both =
        cloud.call(&cloud.admin, "GET", "/role_assignments?scope.project.id=a&scope.domain.id=b", Value::Null).await;
    assert_eq!((both.status, message(&both).as_str()), (400, "Specify a domain or project, not both"));
}

#[tokio::test]
async fn assignments_of_a_tree_are_those_of_all_its_projects() {
    let cloud = Cloud::start().await;
    let member = cloud.member("alice", "member").await;
    let child = json!({"project": {"name": "child", "parent_id": member.project}});
    let child = id(&cloud.admin(201, "POST", "/projects", child).await["project"]);
    let reader = cloud.role("reader").await;
    cloud.admin(204, "PUT", &format!("/projects/{child}/users/{}/roles/{reader}", member.user), Value::Null).await;
    let path = format!("/role_assignments?scope.project.id={}", member.project);
    for (query, expected) in [("", 1), ("&include_subtree", 2), ("&include_subtree&effective", 3)] {
        let listed = cloud.admin(200, "GET", &format!("{path}{query}"), Value::Null).await;
        assert_eq!(listed["role_assignments"].as_array().unwrap().len(), expected, "{query}");
    }
    cloud.admin(400, "GET", "/role_assignments?include_subtree", Value::Null).await;
}
