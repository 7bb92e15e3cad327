//! Servers: the table `compute_instances`.
//!
//! A change of state is a compare-and-swap on `task_state` ([`update`]); who loses it has been overtaken.
//! Deleted rows stay and are passed over unless asked for.

use std::collections::BTreeMap;

use bus::topics::compute_types::{
    BlockDevice, FlavorSpec, Instance, KeyRef, RequestedNetwork, SecurityGroupRef, TaskState, Vif, VmState,
};
use bus::topics::conductor::InstanceChange;
use kit::ids::{HostId, ImageId, ProjectId, ServerId, UserId};
use kit::time::to_micros;
use kit::{PowerState, Secret, Timestamp};
use rusqlite::{Connection, Row, named_params, params};
use store::{Columns, query};

use super::{int, invalid, to_json};
use crate::domain::snapshot::Origin;

/// One server, as the table holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceRow {
    /// The cloud-wide number that `instance-0000001e` is made of; 0 before it is inserted.
    pub number: i64,
    /// Its id.
    pub id: ServerId,
    /// The project that owns it.
    pub project_id: ProjectId,
    /// The user who made it.
    pub user_id: UserId,
    /// Its display name.
    pub name: String,
    /// What its owner says of it.
    pub description: Option<String>,
    /// Its host name inside.
    pub hostname: String,
    /// The request that made it.
    pub request_id: String,
    /// Shared by those made by one request.
    pub reservation_id: String,
    /// Its number among those made by one request.
    pub launch_index: u32,
    /// What it is.
    pub vm_state: VmState,
    /// What is being done to it.
    pub task_state: Option<TaskState>,
    /// What its guest did when last seen.
    pub power_state: PowerState,
    /// The host that it is on, once there is one.
    pub host: Option<HostId>,
    /// The availability zone that was asked for.
    pub availability_zone: Option<String>,
    /// The host that an administrator asked for.
    pub forced_host: Option<HostId>,
    /// Its size.
    pub flavor: FlavorSpec,
    /// The image that it boots from; none when it boots from a volume.
    pub image_id: Option<ImageId>,
    /// Properties of the image that it was made from, whether on a volume or not.
    pub image_properties: BTreeMap<String, String>,
    /// The key that goes into it.
    pub key: Option<KeyRef>,
    /// User data, in base64 as it came.
    pub user_data: Option<Secret>,
    /// Whether it has a config drive.
    pub config_drive: bool,
    /// Its metadata.
    pub metadata: BTreeMap<String, String>,
    /// The networks that were asked for, validated.
    pub networks: Vec<RequestedNetwork>,
    /// The security groups of new ports.
    pub security_groups: Vec<SecurityGroupRef>,
    /// Its interfaces, as far as they are known.
    pub network_info: Vec<Vif>,
    /// `/dev/vda`, once decided.
    pub root_device_name: Option<String>,
    /// `AUTO` or `MANUAL`.
    pub disk_config: String,
    /// `accessIPv4`.
    pub access_ip_v4: Option<String>,
    /// `accessIPv6`.
    pub access_ip_v6: Option<String>,
    /// `owner` or `admin`, while it is locked.
    pub locked_by: Option<String>,
    /// Why.
    pub locked_reason: Option<String>,
    /// The administrator's password, until the server has been built.
    pub admin_password: Option<Secret>,
    /// The server group that it is in.
    pub group_id: Option<String>,
    /// The scheduler hints that came with the request.
    pub hints: BTreeMap<String, Vec<String>>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it first ran.
    pub launched_at: Option<Timestamp>,
    /// When it was taken down.
    pub terminated_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// Of what and by whom it was made.
    pub origin: Origin,
    /// The image that is being made of it.
    pub snapshot_image: Option<ImageId>,
}

impl InstanceRow {
    /// The hypervisor's name for it.
    #[must_use]
    pub fn instance_name(&self) -> String {
        format!("instance-{:08x}", self.number)
    }

    /// The row as other services know it, with its disks.
    #[must_use]
    pub fn into_instance(self, block_devices: Vec<BlockDevice>) -> Instance {
        Instance {
            instance_name: self.instance_name(),
            id: self.id,
            name: self.name,
            hostname: self.hostname,
            project_id: self.project_id,
            user_id: self.user_id,
            request_id: self.request_id,
            host: self.host,
            availability_zone: self.availability_zone,
            vm_state: self.vm_state,
            task_state: self.task_state,
            power_state: self.power_state,
            flavor: self.flavor,
            image_id: self.image_id,
            snapshot_image: self.snapshot_image,
            networks: self.networks,
            security_groups: self.security_groups,
            network_info: self.network_info,
            block_devices,
            root_device_name: self.root_device_name,
            key: self.key,
            user_data: self.user_data,
            config_drive: self.config_drive,
            metadata: self.metadata,
            admin_password: self.admin_password,
            launch_index: self.launch_index,
            reservation_id: self.reservation_id,
            created_at: self.created_at,
        }
    }
}

/// Reads a row of `SELECT * FROM compute_instances`: the fields below are in the table's order.
///
/// # Errors
/// Where a column does not hold what this program writes there.
pub fn from_row(row: &Row<'_>) -> rusqlite::Result<InstanceRow> {
    let columns = &mut Columns::of(row);
    Ok(InstanceRow {
        number: columns.get()?,
        id: columns.id()?,
        project_id: columns.id()?,
        user_id: columns.id()?,
        name: columns.get()?,
        description: columns.get()?,
        hostname: columns.get()?,
        request_id: columns.get()?,
        reservation_id: columns.get()?,
        launch_index: columns.get()?,
        vm_state: vm_state(&columns.get::<String>()?)?,
        task_state: columns.get::<Option<String>>()?.as_deref().map(task_state).transpose()?,
        power_state: PowerState::from_code(columns.get()?),
        host: columns.id_opt()?,
        availability_zone: columns.get()?,
        forced_host: columns.id_opt()?,
        flavor: {
            // flavor_id, vcpus, ram_mb and disk_gb are there to be filtered by and summed up.
            columns.skip(4);
            columns.json()?
        },
        image_id: columns.id_opt()?,
        image_properties: columns.json()?,
        key: {
            columns.skip(1);
            columns.json_opt()?
        },
        user_data: columns.get::<Option<String>>()?.map(Secret::new),
        config_drive: columns.get()?,
        metadata: columns.json()?,
        networks: columns.json()?,
        security_groups: columns.json()?,
        network_info: columns.json()?,
        root_device_name: columns.get()?,
        disk_config: columns.get()?,
        access_ip_v4: columns.get()?,
        access_ip_v6: columns.get()?,
        locked_by: columns.get()?,
        locked_reason: columns.get()?,
        admin_password: columns.get::<Option<String>>()?.map(Secret::new),
        group_id: columns.get()?,
        hints: columns.json()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
        launched_at: columns.time_opt()?,
        terminated_at: columns.time_opt()?,
        deleted_at: columns.time_opt()?,
        origin: columns.json()?,
        snapshot_image: columns.id_opt()?,
    })
}

fn vm_state(text: &str) -> rusqlite::Result<VmState> {
    VmState::parse(text).ok_or_else(|| invalid("vm_state", text))
}

fn task_state(text: &str) -> rusqlite::Result<TaskState> {
    TaskState::parse(text).ok_or_else(|| invalid("task_state", text))
}

/// Adds `row`; its number is given by the table.
///
/// # Errors
/// What the store reports.
pub fn insert(db: &Connection, row: &InstanceRow) -> Result<(), store::Error> {
    const SQL: &str = "INSERT INTO compute_instances (id, project_id, user_id, name, description, hostname, request_id,
        reservation_id, launch_index, vm_state, task_state, power_state, host, availability_zone, forced_host, flavor_id,
        vcpus, ram_mb, disk_gb, flavor, image_id, image_properties, key_name, key, user_data, config_drive, metadata,
        networks, security_groups, network_info, root_device_name, disk_config, access_ip_v4, access_ip_v6, locked_by,
        locked_reason, admin_password, group_id, hints, created_at, updated_at, launched_at, origin)
        VALUES (:id, :project_id, :user_id, :name, :description, :hostname, :request_id, :reservation_id, :launch_index,
        :vm_state, :task_state, :power_state, :host, :availability_zone, :forced_host, :flavor_id, :vcpus, :ram_mb,
        :disk_gb, :flavor, :image_id, :image_properties, :key_name, :key, :user_data, :config_drive, :metadata,
        :networks, :security_groups, :network_info, :root_device_name, :disk_config, :access_ip_v4, :access_ip_v6,
        :locked_by, :locked_reason, :admin_password, :group_id, :hints, :created_at, :updated_at, :launched_at, :origin)";
    let values = named_params! {
        ":id": row.id.as_str(), ":project_id": row.project_id.as_str(), ":user_id": row.user_id.as_str(),
        ":name": row.name, ":description": row.description, ":hostname": row.hostname, ":request_id": row.request_id,
        ":reservation_id": row.reservation_id, ":launch_index": row.launch_index, ":vm_state": row.vm_state.as_str(),
        ":task_state": row.task_state.map(TaskState::as_str), ":power_state": row.power_state.code(),
        ":host": row.host.as_ref().map(HostId::as_str), ":availability_zone": row.availability_zone,
        ":forced_host": row.forced_host.as_ref().map(HostId::as_str), ":flavor_id": row.flavor.id.as_str(),
        ":vcpus": row.flavor.vcpus, ":ram_mb": int(row.flavor.ram_mb), ":disk_gb": int(row.flavor.disk_gb),
        ":flavor": to_json(&row.flavor)?, ":image_id": row.image_id.as_ref().map(ImageId::as_str),
        ":image_properties": to_json(&row.image_properties)?, ":key_name": row.key.as_ref().map(|key| &key.name),
        ":key": row.key.as_ref().map(to_json).transpose()?, ":user_data": row.user_data.as_ref().map(Secret::expose),
        ":config_drive": row.config_drive, ":metadata": to_json(&row.metadata)?, ":networks": to_json(&row.networks)?,
        ":security_groups": to_json(&row.security_groups)?, ":network_info": to_json(&row.network_info)?,
        ":root_device_name": row.root_device_name, ":disk_config": row.disk_config, ":access_ip_v4": row.access_ip_v4,
        ":access_ip_v6": row.access_ip_v6, ":locked_by": row.locked_by, ":locked_reason": row.locked_reason,
        ":admin_password": row.admin_password.as_ref().map(Secret::expose), ":group_id": row.group_id,
        ":hints": to_json(&row.hints)?, ":created_at": to_micros(row.created_at),
        ":updated_at": to_micros(row.updated_at), ":launched_at": row.launched_at.map(to_micros),
        ":origin": to_json(&row.origin)?,
    };
    query::execute(db, SQL, values)?;
    Ok(())
}

/// The server `id`, unless it is deleted.
///
/// # Errors
/// What the store reports.
pub fn get(db: &Connection, id: &ServerId) -> Result<Option<InstanceRow>, store::Error> {
    const SQL: &str = "SELECT * FROM compute_instances WHERE id = ?1 AND deleted_at IS NULL";
    query::opt(db, SQL, params![id.as_str()], from_row)
}

/// The server `id`, even when it is deleted.
///
/// # Errors
/// What the store reports.
pub fn get_any(db: &Connection, id: &ServerId) -> Result<Option<InstanceRow>, store::Error> {
    query::opt(db, "SELECT * FROM compute_instances WHERE id = ?1", params![id.as_str()], from_row)
}

/// The server `id` with its disks, as compute agents know it, unless it is deleted.
///
/// # Errors
/// What the store reports.
pub fn get_instance(db: &Connection, id: &ServerId) -> Result<Option<Instance>, store::Error> {
    let Some(row) = get(db, id)? else { return Ok(None) };
    let devices = super::block_devices::of_instance(db, id)?;
    Ok(Some(row.into_instance(devices)))
}

/// The servers on `host`, deleted ones left out.
///
/// # Errors
/// What the store reports.
pub fn on_host(db: &Connection, host: &HostId) -> Result<Vec<InstanceRow>, store::Error> {
    const SQL: &str = "SELECT * FROM compute_instances WHERE host = ?1 AND deleted_at IS NULL ORDER BY number";
    query::all(db, SQL, params![host.as_str()], from_row)
}

/// The servers that wait for a host: a crash may have cut off their scheduling.
///
/// # Errors
/// What the store reports.
pub fn without_host(db: &Connection, task: TaskState) -> Result<Vec<InstanceRow>, store::Error> {
    const SQL: &str =
        "SELECT * FROM compute_instances WHERE task_state = ?1 AND deleted_at IS NULL AND host IS NULL ORDER BY number";
    query::all(db, SQL, params![task.as_str()], from_row)
}

/// Changes the server `id` if its task state is one of `expected` (any when empty); says whether it did.
///
/// A first launch also forgets the administrator's password; the end of its task, the image that was being made of it.
///
/// # Errors
/// What the store reports.
pub fn update(
    db: &Connection,
    id: &ServerId,
    expected: &[Option<TaskState>],
    change: &InstanceChange,
    now: Timestamp,
) -> Result<bool, store::Error> {
    const SQL: &str = "UPDATE compute_instances SET
            vm_state = COALESCE(:vm_state, vm_state),
            task_state = CASE WHEN :sets_task THEN :task_state ELSE task_state END,
            power_state = COALESCE(:power_state, power_state),
            network_info = COALESCE(:network_info, network_info),
            admin_password = CASE WHEN :launched_at IS NULL THEN admin_password END,
            launched_at = COALESCE(launched_at, :launched_at),
            root_device_name = COALESCE(:root_device_name, root_device_name),
            snapshot_image = CASE WHEN :sets_task AND :task_state IS NULL THEN NULL ELSE snapshot_image END,
            updated_at = :now
        WHERE id = :id AND deleted_at IS NULL
            AND (:expected = '[]' OR COALESCE(task_state, '') IN (SELECT value FROM json_each(:expected)))";
    let expected: Vec<&str> = expected.iter().map(|task| task.map_or("", TaskState::as_str)).collect();
    let values = named_params! {
        ":vm_state": change.vm_state.map(VmState::as_str), ":sets_task": change.task_state.is_some(),
        ":task_state": change.task_state.flatten().map(TaskState::as_str),
        ":power_state": change.power_state.map(PowerState::code),
        ":network_info": change.network_info.as_ref().map(to_json).transpose()?,
        ":launched_at": change.launched_at.map(to_micros), ":root_device_name": change.root_device_name,
        ":now": to_micros(now), ":id": id.as_str(), ":expected": to_json(&expected)?,
    };
    Ok(query::execute(db, SQL, values)? == 1)
}

/// Gives the server `id` to `host`, if it still waits for one: a server that is being deleted takes none.
///
/// # Errors
/// What the store reports.
pub fn claim(db: &Connection, id: &ServerId, host: &HostId, now: Timestamp) -> Result<bool, store::Error> {
    const SQL: &str = "UPDATE compute_instances SET host = ?2, updated_at = ?3
        WHERE id = ?1 AND deleted_at IS NULL AND host IS NULL AND task_state = 'scheduling'";
    Ok(query::execute(db, SQL, params![id.as_str(), host.as_str(), to_micros(now)])? == 1)
}

/// Takes the server `id` off its host; says whether it is still there.
///
/// # Errors
/// What the store reports.
pub fn release(db: &Connection, id: &ServerId, now: Timestamp) -> Result<bool, store::Error> {
    const SQL: &str = "UPDATE compute_instances SET host = NULL, updated_at = ?2 WHERE id = ?1 AND deleted_at IS NULL";
    Ok(query::execute(db, SQL, params![id.as_str(), to_micros(now)])? == 1)
}

/// Puts a server that never got a host into ERROR with `fault`; not one that has been claimed or deleted meanwhile.
///
/// # Errors
/// What the store reports.
pub fn fail_unscheduled(
    db: &Connection,
    id: &ServerId,
    request_id: &str,
    fault: &kit::Fault,
    now: Timestamp,
) -> Result<bool, store::Error> {
    const SQL: &str = "UPDATE compute_instances SET vm_state = 'error', task_state = NULL, updated_at = ?2
        WHERE id = ?1 AND deleted_at IS NULL AND host IS NULL AND task_state = 'scheduling'";
    let failed = query::execute(db, SQL, params![id.as_str(), to_micros(now)])? == 1;
    if failed {
        super::faults::insert(db, id, fault, now)?;
        super::actions::fail(db, id, request_id, now)?;
    }
    Ok(failed)
}

/// Marks the server `id` as deleted and lets go of its disks, group and console tokens; says whether it was there.
/// Its allocation is placement's to free.
///
/// # Errors
/// What the store reports.
pub fn delete(db: &Connection, id: &ServerId, now: Timestamp) -> Result<bool, store::Error> {
    const SQL: &str = "UPDATE compute_instances SET vm_state = 'deleted', task_state = NULL, power_state = 0,
        admin_password = NULL, user_data = NULL, network_info = '[]', snapshot_image = NULL, updated_at = ?2,
        terminated_at = COALESCE(terminated_at, ?2), deleted_at = ?2
        WHERE id = ?1 AND deleted_at IS NULL";
    let deleted = query::execute(db, SQL, params![id.as_str(), to_micros(now)])? == 1;
    if deleted {
        for sql in [
            "DELETE FROM compute_block_devices WHERE instance_id = ?1",
            "DELETE FROM compute_server_group_members WHERE instance_id = ?1",
            "DELETE FROM compute_console_tokens WHERE instance_id = ?1",
        ] {
            query::execute(db, sql, params![id.as_str()])?;
        }
    }
    Ok(deleted)
}

#[cfg(test)]
pub(crate) mod tests;
