//! The agent over the wire-checked bus, with the fake driver.

use std::sync::Mutex;

use bus::topics::volume::{self, Connector};
use bus::topics::volume_agent::VolumeSource;
use bus::{Options, Transport};

use super::*;
use crate::drivers::fake::FakeDriver;

#[tokio::test]
async fn it_registers_once_it_is_prepared_and_obeys() {
    let bus = Bus::new(Options { transport: Transport::WireChecked, ..Options::default() });
    let (driver, host) = (Arc::new(FakeDriver::new()), HostId::new("here"));
    let known = VolumeSpec { id: "known".into(), size_gb: 1 };
    let log = Arc::<Mutex<Vec<(bool, usize)>>>::default();
    let (seen, kept, watched) = (log.clone(), known.clone(), driver.clone());
    let _service = bus
        .server(volume::TOPIC)
        .on(move |_, RegisterVolumeAgent { starting, .. }| {
            seen.lock().unwrap().push((starting, watched.volumes().len()));
            let kept = kept.clone();
            async move { Ok(vec![kept]) }
        })
        .start();
    let agent = VolumeAgent::new(&bus, driver.clone(), host.clone());
    let _servers = agent.serve(&bus);
    agent.start().await.unwrap();
    assert_eq!(*log.lock().unwrap(), [(false, 0), (true, 1)], "it is prepared before work is taken up");
    let (client, context) = (bus.client("volume"), RequestContext::service("volume"));
    let new = VolumeSpec { id: "new".into(), size_gb: 3 };
    let ensure = EnsureVolume { volume: new.clone(), source: VolumeSource::Blank };
    driver.fail(1);
    assert!(client.call(&context, Target::host(&host), ensure.clone()).await.is_err());
    client.call(&context, Target::host(&host), ensure).await.unwrap();
    let connect = ConnectVolume { volume: new.clone(), connector: Connector { host: host.clone() }, read_only: false };
    client.call(&context, Target::host(&host), connect).await.unwrap();
    client.call(&context, Target::host(&host), RemoveVolume { volume_id: new.id }).await.unwrap();
    assert_eq!(driver.volumes(), [known.id]);
}
