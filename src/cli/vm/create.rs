//! `vm create`.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};

use super::steps::Steps;
use super::tunnel::{self, Forward};
use super::{choose, cloud_init, list};
use crate::cli::catalog::Service;
use crate::cli::client::escape;
use crate::cli::image::create as image_create;
use crate::cli::keypair;
use crate::cli::output::text;
use crate::cli::problem::{Problem, Result};
use crate::cli::progress::Progress;
use crate::cli::resolve::{FLAVOR, IMAGE, NETWORK, SECURITY_GROUP, VM, VOLUME};
use crate::cli::session::{self, Session};
use crate::cli::wait::{self, Wait};

/// The options of `vm create`.
#[derive(Debug, Args)]
pub struct Create {
    /// What it shall be called
    name: String,
    /// The image; of a file or a URL one is made first [default: the only one, or the newest]
    #[arg(long)]
    image: Option<String>,
    /// The flavor [default: the smallest that fits the image]
    #[arg(long)]
    flavor: Option<String>,
    /// A network, or `none`; may be given more than once [default: `default`, or the only one]
    #[arg(long = "network", value_name = "NETWORK")]
    networks: Vec<String>,
    /// The keypair that may log in, or `none` [default: the only one, or yours of ~/.ssh]
    #[arg(long, value_name = "KEYPAIR")]
    key: Option<String>,
    /// A file for cloud-init, which is looked at before: #cloud-config YAML, a script, …
    #[arg(long, value_name = "FILE", conflicts_with = "user_data")]
    cloud_init: Option<PathBuf>,
    /// A file of user data, whatever it is
    #[arg(long, value_name = "FILE")]
    user_data: Option<PathBuf>,
    /// Then have a port of this computer lead to one of the VM, until Ctrl-C; may be given more than once
    #[arg(long = "port-forward", value_name = "LOCAL:PORT", value_parser = tunnel::forward, conflicts_with = "no_wait")]
    port_forwards: Vec<Forward>,
    /// Give it a config drive
    #[arg(long)]
    config_drive: bool,
    /// A security group; may be given more than once [default: `default`]
    #[arg(long = "security-group", value_name = "GROUP")]
    security_groups: Vec<String>,
    /// A volume to attach; may be given more than once
    #[arg(long = "volume", value_name = "VOLUME")]
    volumes: Vec<String>,
    /// Boot from a new volume of this size with the image on it, that goes with the VM
    #[arg(long, value_name = "GB", value_parser = clap::value_parser!(u64).range(1..))]
    boot_volume_size: Option<u64>,
    /// The availability zone
    #[arg(long, value_name = "ZONE")]
    availability_zone: Option<String>,
    /// How many to make; their names get numbers
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// A property of it; may be given more than once
    #[arg(long = "property", value_name = "KEY=VALUE", value_parser = session::pair)]
    properties: Vec<(String, String)>,
    #[command(flatten)]
    wait: Wait,
}

impl Create {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        if self.count > 1 && !self.port_forwards.is_empty() {
            return Err(Problem::usage("--port-forward is for one VM").hint("`cloudbox vm tunnel` does it for each"));
        }
        let body = json!({ "server": self.server(session).await? });
        let answer = session.client.post(Service::Compute, VM.path, &body).await?;
        let ids = self.ids(session, &answer).await?;
        let mut made = Vec::new();
        for id in ids {
            made.push(self.finish(session, &id).await?);
        }
        match made.as_slice() {
            [only] if self.port_forwards.is_empty() => session.out.show(only, list::SHOW),
            [only] => {
                session.out.show(only, list::SHOW)?;
                let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
                tunnel::serve(session, &text(only, "/id"), here, &self.port_forwards).await
            }
            made => session.out.list(made, list::LIST),
        }
    }

    /// The server once it runs; or as it is now, where nobody waits.
    async fn finish(&self, session: &Session, id: &str) -> Result<Value> {
        let server = VM.get(&session.client, id).await?;
        if !self.wait.wanted() {
            return Ok(server);
        }
        let progress = Progress::spinner(session.out, text(&server, "/name"));
        let steps = Steps::of(session, &server);
        wait::until(&self.wait, progress, async || steps.look(VM.get(&session.client, id).await?).await).await
    }

    /// The ids of what was made.
    async fn ids(&self, session: &Session, answer: &Value) -> Result<Vec<String>> {
        let reservation = text(answer, "/reservation_id");
        if reservation.is_empty() {
            return Ok(vec![text(answer, "/server/id")]);
        }
        let path = format!("{}?reservation_id={}", VM.list, escape(&reservation));
        let mut all = session.client.list(Service::Compute, &path, VM.many).await?;
        all.sort_by_key(|server| text(server, "/name"));
        Ok(all.iter().map(|server| text(server, "/id")).collect())
    }

    async fn server(&self, session: &Session) -> Result<Value> {
        // What is wrong with a file shows before anything is asked of the cloud.
        let user_data = self.user_data()?;
        let image = self.image(session).await?;
        let mut server = Map::new();
        let mut set = |key: &str, value: Value| server.insert(key.to_owned(), value);
        set("name", Value::from(self.name.as_str()));
        set("flavorRef", Value::from(self.flavor(session, &image).await?));
        set("networks", self.networks(session).await?);
        if let Some(key) = self.key(session).await? {
            set("key_name", Value::from(key));
        }
        if self.boot_volume_size.is_none() {
            set("imageRef", Value::from(text(&image, "/id")));
        }
        if let Some(disks) = self.disks(session, &text(&image, "/id")).await? {
            set("block_device_mapping_v2", disks);
        }
        if !self.security_groups.is_empty() {
            let mut groups = Vec::new();
            for group in &self.security_groups {
                groups.push(json!({ "name": SECURITY_GROUP.find_id(&session.client, group).await? }));
            }
            set("security_groups", Value::from(groups));
        }
        if let Some(data) = user_data {
            set("user_data", Value::from(data));
        }
        if self.config_drive {
            set("config_drive", Value::from(true));
        }
        if let Some(zone) = &self.availability_zone {
            set("availability_zone", Value::from(zone.as_str()));
        }
        if !self.properties.is_empty() {
            let properties = self.properties.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
            set("metadata", Value::Object(properties.collect()));
        }
        if self.count > 1 {
            set("min_count", Value::from(self.count));
            set("max_count", Value::from(self.count));
            set("return_reservation_id", Value::from(true));
        }
        Ok(Value::Object(server))
    }

    fn user_data(&self) -> Result<Option<String>> {
        if let Some(path) = &self.cloud_init {
            let data = session::read(path)?;
            cloud_init::check(&data)?;
            return cloud_init::encoded(&data).map(Some);
        }
        self.user_data.as_ref().map(|path| cloud_init::encoded(&session::read(path)?)).transpose()
    }

    async fn image(&self, session: &Session) -> Result<Value> {
        if let Some(image) = &self.image {
            if image_create::is_source(image) {
                return image_create::of_source(session, image, &self.wait).await;
            }
            return IMAGE.find(&session.client, image).await;
        }
        let image = choose::image(IMAGE.list(&session.client).await?)?;
        session.out.note(&format!("using the image {}", text(&image, "/name")));
        Ok(image)
    }

    async fn flavor(&self, session: &Session, image: &Value) -> Result<String> {
        if let Some(flavor) = &self.flavor {
            return FLAVOR.find_id(&session.client, flavor).await;
        }
        let flavors = FLAVOR.list(&session.client).await?;
        let flavor = choose::flavor(flavors, image, self.boot_volume_size.is_some())?;
        session.out.note(&format!("using the flavor {}", text(&flavor, "/name")));
        Ok(text(&flavor, "/id"))
    }

    async fn networks(&self, session: &Session) -> Result<Value> {
        if matches!(self.networks.as_slice(), [only] if only == "none") {
            return Ok(Value::from("none"));
        }
        let mut networks = Vec::new();
        for network in &self.networks {
            networks.push(json!({ "uuid": NETWORK.find_id(&session.client, network).await? }));
        }
        if networks.is_empty() {
            let network = choose::network(NETWORK.list(&session.client).await?)?;
            networks.push(json!({ "uuid": text(&network, "/id") }));
        }
        Ok(Value::from(networks))
    }

    async fn key(&self, session: &Session) -> Result<Option<String>> {
        match self.key.as_deref() {
            Some("none") => Ok(None),
            // Nova only says that it does not like the name.
            Some(key) => keypair::find(session, key).await.map(|_| Some(key.to_owned())),
            None => choose::key(session).await,
        }
    }

    /// The disks that are not the flavor's; the boot disk is the first where there are any.
    async fn disks(&self, session: &Session, image: &str) -> Result<Option<Value>> {
        let boot = match self.boot_volume_size {
            Some(size) => json!({ "destination_type": "volume", "volume_size": size }),
            None if self.volumes.is_empty() => return Ok(None),
            None => json!({ "destination_type": "local" }),
        };
        let mut boot = boot;
        for (key, value) in [("uuid", json!(image)), ("source_type", json!("image")), ("boot_index", json!(0))] {
            if let Some(map) = boot.as_object_mut() {
                map.insert(key.to_owned(), value);
                map.insert("delete_on_termination".to_owned(), json!(true));
            }
        }
        let mut disks = vec![boot];
        for volume in &self.volumes {
            disks.push(json!({
                "uuid": VOLUME.find_id(&session.client, volume).await?,
                "source_type": "volume", "destination_type": "volume", "boot_index": -1, "delete_on_termination": false,
            }));
        }
        Ok(Some(Value::from(disks)))
    }
}
