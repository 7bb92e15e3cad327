//! Consoles: tokens that open a server's screen for a while. Topic `console`.

use std::sync::Arc;

use bus::topics::compute_agent::GetVncEndpoint;
use bus::topics::console::{AuthorizeConsole, ConsoleGrant, TOPIC};
use bus::{Bus, ServerHandle, Target};
use kit::ids::ServerId;
use kit::{Fault, RequestContext, Secret};

use crate::Compute;
use crate::db::{console_tokens, instances};
use crate::domain::console;

/// Answers the topic.
pub(crate) fn serve(compute: &Arc<Compute>, bus: &Bus) -> ServerHandle {
    let compute = Arc::clone(compute);
    bus.server(TOPIC)
        .on(move |context, message: AuthorizeConsole| {
            let compute = Arc::clone(&compute);
            async move { authorize(&compute, &context, &message.token).await }
        })
        .start()
}

/// Makes a token that opens the server's console.
pub(crate) async fn issue(compute: &Compute, server_id: &ServerId) -> Result<String, Fault> {
    let token = uuid::Uuid::new_v4().hyphenated().to_string();
    let (digest, server_id, now) = (console::fingerprint(&token), server_id.clone(), compute.now());
    let expires_at = now + console::LIFETIME;
    let keep = move |db: &rusqlite::Connection| console_tokens::insert(db, &digest, &server_id, expires_at, now);
    compute.store.write_relaxed(keep).await.map_err(Fault::from)?;
    Ok(token)
}

async fn authorize(compute: &Compute, context: &RequestContext, token: &Secret) -> Result<ConsoleGrant, Fault> {
    let unknown = || Fault::not_found("The console token is not known, or has expired.");
    let (digest, now) = (console::fingerprint(token.expose()), compute.now());
    let row = compute
        .store
        .read(move |db| match console_tokens::get(db, &digest, now)? {
            Some(id) => instances::get(db, &id).map_err(Fault::from),
            None => Ok(None),
        })
        .await?;
    let row = row.ok_or_else(unknown)?;
    let host = row.host.ok_or_else(unknown)?;
    let message = GetVncEndpoint { server_id: row.id.clone() };
    let endpoint = compute.client.call(context, Target::host(&host), message).await?;
    Ok(ConsoleGrant { server_id: row.id, host, endpoint })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bus::topics::compute_agent::VncEndpoint;
    use kit::FaultKind;

    use super::*;
    use crate::placement::fixtures::{Cloud, row};

    #[tokio::test]
    async fn a_token_opens_its_servers_screen_for_ten_minutes() {
        let cloud = Cloud::new();
        let mut server = row("s1");
        server.host = Some("a".into());
        cloud.insert(server).await;
        let agent = cloud.bus.server(bus::topics::compute_agent::TOPIC).on_host(&"a".into());
        let _agent = agent
            .on(|_, message: GetVncEndpoint| {
                assert_eq!(message.server_id.as_str(), "s1");
                std::future::ready(Ok(VncEndpoint::Tcp(5901)))
            })
            .start();
        let token = issue(&cloud.compute, &"s1".into()).await.unwrap();
        let grant = cloud.call(AuthorizeConsole { token: Secret::new(&token) }).await.unwrap();
        assert_eq!((grant.server_id.as_str(), grant.host.as_str()), ("s1", "a"));
        assert_eq!(grant.endpoint, VncEndpoint::Tcp(5901));
        let wrong = cloud.call(AuthorizeConsole { token: Secret::new("guess") }).await.unwrap_err();
        assert_eq!(wrong.kind(), FaultKind::NotFound);
        cloud.clock.advance(Duration::from_secs(601));
        let late = cloud.call(AuthorizeConsole { token: Secret::new(&token) }).await.unwrap_err();
        assert_eq!(late.kind(), FaultKind::NotFound);
    }
}
