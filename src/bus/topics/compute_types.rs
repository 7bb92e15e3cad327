//! Data about servers that several compute topics share.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use kit::ids::{
    AttachmentId, FlavorId, HostId, ImageId, NetworkId, PortId, ProjectId, SecurityGroupId, ServerId, SubnetId, UserId,
    VolumeId,
};
use kit::{PowerState, Secret, Timestamp};
use serde::{Deserialize, Serialize};

use super::volume::ConnectionInfo;

macro_rules! named_states {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Nova's name for it, which is also the form in the database.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The state that Nova calls `text`.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

named_states! {
    /// What a server is, as far as its users are concerned (`OS-EXT-STS:vm_state`).
    VmState {
        /// Not built yet.
        Building = "building",
        /// Meant to run.
        Active = "active",
        /// Meant to be off.
        Stopped = "stopped",
        /// Its processors stand still.
        Paused = "paused",
        /// Its memory is on disk.
        Suspended = "suspended",
        /// Runs from another disk, to be mended.
        Rescued = "rescued",
        /// Of a new size, not confirmed yet.
        Resized = "resized",
        /// Off, with a snapshot in the image service, its place on the host still kept.
        Shelved = "shelved",
        /// Off, with a snapshot in the image service, on no host.
        ShelvedOffloaded = "shelved_offloaded",
        /// Deleted, and can still be restored.
        SoftDeleted = "soft-delete",
        /// Gone.
        Deleted = "deleted",
        /// Something failed; the fault says what.
        Error = "error",
    }
}

named_states! {
    /// What is being done to a server (`OS-EXT-STS:task_state`); nothing when there is none.
    TaskState {
        /// A host is being looked for.
        Scheduling = "scheduling",
        /// Volumes are being made or attached.
        BlockDeviceMapping = "block_device_mapping",
        /// Ports are being made and wired.
        Networking = "networking",
        /// The hypervisor is making the guest.
        Spawning = "spawning",
        /// It is being started.
        PoweringOn = "powering-on",
        /// It is being shut down.
        PoweringOff = "powering-off",
        /// It is being asked to reboot.
        Rebooting = "rebooting",
        /// It is being reset.
        RebootingHard = "rebooting_hard",
        /// An image is to be made of it.
        ImageSnapshotPending = "image_snapshot_pending",
        /// Its disk is about to be copied.
        ImageSnapshot = "image_snapshot",
        /// Its disk is being copied.
        ImagePendingUpload = "image_pending_upload",
        /// The copy is on its way to the image service.
        ImageUploading = "image_uploading",
        /// It is being deleted.
        Deleting = "deleting",
    }
}

/// A flavor as it was when the server was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlavorSpec {
    /// The public id.
    pub id: FlavorId,
    /// The name.
    pub name: String,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Memory in MiB.
    pub ram_mb: u64,
    /// Root disk in GiB; 0 means as large as the image.
    pub disk_gb: u64,
    /// A second, empty disk, in GiB; 0 means none.
    pub ephemeral_gb: u64,
    /// A swap disk in MiB; 0 means none.
    pub swap_mb: u64,
    /// Scheduler and driver hints.
    pub extra_specs: BTreeMap<String, String>,
}

/// One network that was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedNetwork {
    /// A network to make a port on. Set by validation where only a port was named.
    pub network_id: Option<NetworkId>,
    /// A port that exists.
    pub port_id: Option<PortId>,
    /// The address that the port is to have.
    pub fixed_ip: Option<IpAddr>,
    /// The device role tag.
    pub tag: Option<String>,
}

/// A security group by id and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupRef {
    /// Its id.
    pub id: SecurityGroupId,
    /// Its name.
    pub name: String,
}

/// One network interface of a server, as the network service describes it. Nova calls the list of them
/// the network info cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vif {
    /// The port.
    pub port_id: PortId,
    /// The port's network.
    pub network_id: NetworkId,
    /// The network's name: the key in `addresses`.
    pub label: String,
    /// The MAC address, in lower case with colons.
    pub mac: String,
    /// MTU in bytes.
    pub mtu: u32,
    /// The addresses.
    pub fixed_ips: Vec<VifAddress>,
    /// Whether the port was there before the server, and stays when it goes.
    pub preserve_on_delete: bool,
    /// Name of the host's device, once the port is bound and wired.
    pub device: Option<String>,
    /// The device role tag.
    pub tag: Option<String>,
}

/// One address of an interface, with what a guest needs to use it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VifAddress {
    /// The subnet.
    pub subnet_id: SubnetId,
    /// The address.
    pub address: IpAddr,
    /// The subnet's range.
    pub cidr: IpNet,
    /// The subnet's gateway.
    pub gateway: Option<IpAddr>,
    /// The subnet's name servers.
    pub dns: Vec<IpAddr>,
    /// More routes: destination and next hop.
    pub routes: Vec<(IpNet, IpAddr)>,
    /// Whether the guest gets it by DHCP (or, with IPv6, by router advertisements).
    pub dhcp: bool,
    /// The floating addresses that lead to it.
    pub floating: Vec<IpAddr>,
}

/// A public key that goes into a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRef {
    /// The key pair's name.
    pub name: String,
    /// `ssh` or `x509`.
    pub key_type: String,
    /// The public half.
    pub public_key: String,
}

/// Where a disk's contents come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockSource {
    /// An image.
    Image,
    /// A volume that exists.
    Volume,
    /// A volume snapshot.
    Snapshot,
    /// Nothing.
    Blank,
}

/// Where a disk lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockDestination {
    /// On the compute host, gone with the server.
    Local,
    /// In the volume service.
    Volume,
}

/// One disk of a server (Nova's block device mapping).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockDevice {
    /// The mapping's own number, unique in the cloud.
    pub id: i64,
    /// Where its contents come from.
    pub source: BlockSource,
    /// Where it lives.
    pub destination: BlockDestination,
    /// The image, for [`BlockSource::Image`].
    pub image_id: Option<ImageId>,
    /// The snapshot, for [`BlockSource::Snapshot`].
    pub snapshot_id: Option<String>,
    /// The volume: given, or made during the build.
    pub volume_id: Option<VolumeId>,
    /// Size in GiB: of the volume to make, or of the local disk.
    pub size_gb: Option<u64>,
    /// The type of the volume to make.
    pub volume_type: Option<String>,
    /// Whether the volume goes with the server.
    pub delete_on_termination: bool,
    /// 0 boots first; nothing for a disk that is not booted from.
    pub boot_index: Option<i32>,
    /// `/dev/vda`, ….
    pub device_name: Option<String>,
    /// `virtio`, `scsi`, …; the image's or the driver's choice where empty.
    pub disk_bus: Option<String>,
    /// `disk` or `cdrom`.
    pub device_type: Option<String>,
    /// `ext4`, `swap`, … for local blank disks.
    pub guest_format: Option<String>,
    /// The device role tag.
    pub tag: Option<String>,
    /// The volume service's attachment, once there is one.
    pub attachment_id: Option<AttachmentId>,
    /// How to reach the volume, once it is attached.
    pub connection: Option<ConnectionInfo>,
}

/// Everything that a compute host needs to know of a server to build and run it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// Its id.
    pub id: ServerId,
    /// Its display name.
    pub name: String,
    /// Its host name inside.
    pub hostname: String,
    /// The hypervisor's name for it, `instance-0000001e`.
    pub instance_name: String,
    /// The project that owns it.
    pub project_id: ProjectId,
    /// The user who made it.
    pub user_id: UserId,
    /// The request that made it.
    pub request_id: String,
    /// The host that it is on, once there is one.
    pub host: Option<HostId>,
    /// Where it is.
    pub availability_zone: Option<String>,
    /// What it is.
    pub vm_state: VmState,
    /// What is being done to it.
    pub task_state: Option<TaskState>,
    /// What its guest did when last seen.
    pub power_state: PowerState,
    /// Its size.
    pub flavor: FlavorSpec,
    /// The image that it boots from; none when it boots from a volume.
    pub image_id: Option<ImageId>,
    /// The image that is being made of it, as long as that is not done.
    pub snapshot_image: Option<ImageId>,
    /// The networks that were asked for, validated.
    pub networks: Vec<RequestedNetwork>,
    /// The security groups of new ports.
    pub security_groups: Vec<SecurityGroupRef>,
    /// Its interfaces, as far as they are known.
    pub network_info: Vec<Vif>,
    /// Its disks.
    pub block_devices: Vec<BlockDevice>,
    /// `/dev/vda`, once decided.
    pub root_device_name: Option<String>,
    /// The key that goes into it.
    pub key: Option<KeyRef>,
    /// User data, in base64 as it came.
    pub user_data: Option<Secret>,
    /// Whether it has a config drive.
    pub config_drive: bool,
    /// Its metadata.
    pub metadata: BTreeMap<String, String>,
    /// The administrator's password that was asked for or made up.
    pub admin_password: Option<Secret>,
    /// Its number among those made by one request.
    pub launch_index: u32,
    /// Shared by those made by one request.
    pub reservation_id: String,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// How a server is rebooted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RebootKind {
    /// The guest is asked to; when it does not, it is reset.
    Soft,
    /// It is reset and built anew from what is known about it.
    Hard,
}
