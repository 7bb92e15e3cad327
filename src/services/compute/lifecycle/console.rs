//! Consoles: tokens that open a server's screen for a while. Topic `console`.

use std::sync::Arc;

use bus::topics::compute_agent::{ConsoleEndpoint, GetSerialEndpoint, GetVncEndpoint};
use bus::topics::console::{AuthorizeConsole, ConsoleGrant, TOPIC};
use bus::topics::network::OpenServerTunnel;
use bus::{Bus, ServerHandle, Target};
use kit::ids::ServerId;
use kit::{Fault, RequestContext, Secret};

use crate::Compute;
use crate::db::{console_tokens, instances};
use crate::domain::console::{self, Opens};

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

/// Makes a token for one of the server's consoles, or for a tunnel to it.
pub(crate) async fn issue(compute: &Compute, server_id: &ServerId, opens: Opens) -> Result<String, Fault> {
    let token = opens.token(&uuid::Uuid::new_v4().hyphenated().to_string());
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
    let (server_id, client) = (row.id.clone(), &compute.client);
    let (host, endpoint) = match Opens::of(token.expose()) {
        Opens::Screen => {
            let endpoint = client.call(context, Target::host(&host), GetVncEndpoint { server_id }).await?;
            (host, endpoint)
        }
        Opens::Serial => {
            let endpoint = client.call(context, Target::host(&host), GetSerialEndpoint { server_id }).await?;
            (host, endpoint)
        }
        Opens::Port(port) => {
            let tunnel = client.call(context, Target::Any, OpenServerTunnel { server_id, port }).await?;
            (tunnel.host, ConsoleEndpoint::Unix(tunnel.path))
        }
    };
    Ok(ConsoleGrant { server_id: row.id, host, endpoint })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
                std::future::ready(Ok(ConsoleEndpoint::Tcp(5901)))
            })
            .start();
        let token = issue(&cloud.compute, &"s1".into(), Opens::Screen).await.unwrap();
        let grant = cloud.call(AuthorizeConsole { token: Secret::new(&token) }).await.unwrap();
        assert_eq!((grant.server_id.as_str(), grant.host.as_str()), ("s1", "a"));
        assert_eq!(grant.endpoint, ConsoleEndpoint::Tcp(5901));
        let wrong = cloud.call(AuthorizeConsole { token: Secret::new("guess") }).await.unwrap_err();
        assert_eq!(wrong.kind(), FaultKind::NotFound);
        cloud.clock.advance(Duration::from_secs(601));
        let late = cloud.call(AuthorizeConsole { token: Secret::new(&token) }).await.unwrap_err();
        assert_eq!(late.kind(), FaultKind::NotFound);
    }

    #[tokio::test]
    async fn a_token_for_a_port_opens_a_tunnel_to_that_port_alone() {
        let cloud = Cloud::new();
        let mut server = row("s1");
        server.host = Some("a".into());
        cloud.insert(server).await;
        let _network = cloud
            .bus
            .server(bus::topics::network::TOPIC)
            .on(|_, message: OpenServerTunnel| {
                assert_eq!((message.server_id.as_str(), message.port), ("s1", 22));
                let tunnel = bus::topics::network::ServerTunnel { host: "b".into(), path: "/run/t.sock".into() };
                std::future::ready(Ok(tunnel))
            })
            .start();
        let token = issue(&cloud.compute, &"s1".into(), Opens::Port(22)).await.unwrap();
        let grant = cloud.call(AuthorizeConsole { token: Secret::new(&token) }).await.unwrap();
        assert_eq!((grant.host.as_str(), grant.endpoint), ("b", ConsoleEndpoint::Unix("/run/t.sock".into())));
        let forged = token.replacen("port22", "port80", 1);
        let refused = cloud.call(AuthorizeConsole { token: Secret::new(&forged) }).await.unwrap_err();
        assert_eq!(refused.kind(), FaultKind::NotFound);
    }
}
