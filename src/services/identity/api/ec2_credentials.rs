//! `/v3/users/{user_id}/credentials/OS-EC2`: EC2 keys in a form of their own; an id here is the access key.

use std::sync::Arc;

use http_kit::{Condition, Endpoint, Reply, Request, Target};
use kit::{Fault, Secret};
use serde_json::{Value, json};

use super::{caller, collection, delegation, new_id};
use crate::domain::credential::{Credential, EC2, bound_by, ec2_blob, id_of_access};
use crate::{IdentityService, db, error, view};

const ALL: &str = "/users/{user_id}/credentials/OS-EC2";
const ONE: &str = "/users/{user_id}/credentials/OS-EC2/{credential_id}";

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get(ALL, "identity:ec2_list_credentials", &list).deferred(),
    Endpoint::post(ALL, "identity:ec2_create_credential", &create).deferred(),
    Endpoint::get(ONE, "identity:ec2_get_credential", &show).deferred(),
    Endpoint::delete(ONE, "identity:ec2_delete_credential", &delete).deferred(),
];

fn body(it: &Credential, base: &str) -> Result<Value, Fault> {
    Ok(view::credential::ec2(it, &ec2_blob(&it.blob)?, base))
}

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let user = request.param("user_id")?.to_owned();
    request.authorize("identity:ec2_list_credentials", &Target::user(&user))?;
    let wanted = user.clone();
    service.store.read(move |db| db::users::get(db, &wanted)).await?;
    let found = service.credentials(Condition::is("user_id", user).and(Condition::is("type", EC2))).await?;
    let (identity, base) = (caller(&request)?, request.base_url());
    let reachable = found.iter().filter(|it| delegation::reaches(identity, it.project_id.as_deref()));
    let items = reachable.map(|it| body(it, &base)).collect::<Result<_, _>>()?;
    Ok(collection(&request, "credentials", items))
}

fn check_reach(request: &Request, project_id: Option<&str>) -> Result<(), Fault> {
    if delegation::reaches(caller(request)?, project_id) {
        return Ok(());
    }
    Err(error::forbidden_action("EC2 credential project does not match the project scope of the delegated token"))
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let user = request.param("user_id")?.to_owned();
    request
        .authorize("identity:ec2_create_credential", &Target::user(&user).with("target.credential.user_id", &user))?;
    delegation::refuse_restricted(&request, "application credentials")?;
    let project = request.body_value()?.get("tenant_id").and_then(Value::as_str);
    let project = project.ok_or_else(|| error::missing("tenant_id", "request body"))?.to_owned();
    check_reach(&request, Some(&project))?;
    let (access, secret) = (new_id(), new_id());
    let mut blob = json!({ "access": access, "secret": secret, "trust_id": null });
    if let Some((name, id)) = bound_by(&caller(&request)?.basis) {
        view::put(&mut blob, name, json!(id));
    }
    let made = Credential {
        id: id_of_access(&access),
        user_id: user,
        project_id: Some(project),
        kind: EC2.to_owned(),
        blob: Secret::new(blob.to_string()),
        extra: serde_json::Map::new(),
    };
    let stored = service.lock_away(&made)?;
    service.write_aside(move |db| db::credentials::insert(db, &stored)).await?;
    Ok(Reply::created(json!({ "credential": body(&made, &request.base_url())? })))
}

/// The credential of the path, which the caller may do `rule` to.
async fn authorized(service: &IdentityService, request: &Request, rule: &str) -> Result<Credential, Fault> {
    let id = id_of_access(request.param("credential_id")?);
    let found = service.find_credential(&id).await?;
    let found = found.ok_or_else(|| error::not_found("credential", &id))?;
    let target = Target::user(request.param("user_id")?).with("target.credential.user_id", &found.user_id);
    request.authorize(rule, &target)?;
    if !found.kind.eq_ignore_ascii_case(EC2) {
        return Err(error::unauthorized());
    }
    check_reach(request, found.project_id.as_deref())?;
    Ok(found)
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let found = authorized(&service, &request, "identity:ec2_get_credential").await?;
    Ok(Reply::ok(json!({ "credential": body(&found, &request.base_url())? })))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let found = authorized(&service, &request, "identity:ec2_delete_credential").await?;
    service.write_aside(move |db| db::credentials::delete(db, &found.id)).await?;
    Ok(Reply::no_content())
}
