"""The whole boot with openstacksdk, with a config drive: sdk_boot.py DIR

The cloud is OS_CLOUD's; BOOT_IMAGE names the guest image that it has, DIR takes the private key. Deletes what it makes.
"""

import os
import subprocess
import sys

import openstack

import checks
from checks import check, equal, until

work = sys.argv[1]
cloud = openstack.connect()


def guest(address, command):
    options = ["IdentitiesOnly=yes", "BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"]
    options += ["LogLevel=ERROR", "ConnectTimeout=5"]
    words = ["ssh", "-i", f"{work}/sdk-key", *(word for option in options for word in ("-o", option))]
    done = subprocess.run([*words, f"cirros@{address}", command], stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    return done.stdout.decode().strip() if done.returncode == 0 else None


def log_has(server, text):
    return text in (cloud.compute.get_server_console_output(server, length=None) or {}).get("output", "")


with check("token"):
    assert cloud.auth_token and cloud.current_project_id

with check("keypair"):
    key = cloud.compute.create_keypair(name="sdk-key")
    with open(f"{work}/sdk-key", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(key.private_key)

with check("image and network are found"):
    image = cloud.image.find_image(os.environ["BOOT_IMAGE"], ignore_missing=False)
    network = cloud.network.find_network("default", ignore_missing=False)
    flavor = cloud.compute.find_flavor("m1.nano", ignore_missing=False)

with check("volume"):
    volume = cloud.block_storage.create_volume(size=1, name="sdk-data")
    volume = cloud.block_storage.wait_for_status(volume, "available", interval=0.5, wait=30)

with check("server with a config drive: create and wait"):
    server = cloud.compute.create_server(
        name="sdk-boot", image_id=image.id, flavor_id=flavor.id, networks=[{"uuid": network.id}], key_name=key.name,
        config_drive=True, metadata={"tier": "db"},
    )
    server = cloud.compute.wait_for_server(server, interval=0.5, wait=120)
    equal(server.status, "ACTIVE")
    assert server.has_config_drive
    address = server.addresses["default"][0]["addr"]

with check("SSH into the guest"):
    until(120, lambda: guest(address, "true") is not None)
    equal(guest(address, "hostname"), "sdk-boot")

with check("console log: the config drive was taken"):
    until(60, lambda: log_has(server, "metadata from config-drive"))

# Nova puts the password on the drive alone.
with check("config drive and metadata service say the same"):
    read = "sudo mkdir -p /mnt; sudo mount -o ro $(sudo blkid -L config-2 -o device) /mnt 2>/dev/null; " \
        "cat /mnt/openstack/latest/meta_data.json | jq -S 'del(.random_seed, .admin_pass)'"
    ask = "curl -sf http://169.254.169.254/openstack/latest/meta_data.json | jq -S 'del(.random_seed, .admin_pass)'"
    drive = guest(address, read)
    assert drive and '"tier": "db"' in drive, drive
    equal(drive, guest(address, ask))

with check("volume attached to the running guest, seen by its serial"):
    cloud.compute.create_volume_attachment(server, volume_id=volume.id)
    cloud.block_storage.wait_for_status(volume, "in-use", interval=0.5, wait=60)
    until(30, lambda: volume.id[:20] in (guest(address, "cat /sys/block/*/serial 2>/dev/null") or ""))

with check("volume detached"):
    cloud.compute.delete_volume_attachment(server, volume.id)
    cloud.block_storage.wait_for_status(volume, "available", interval=0.5, wait=60)
    until(30, lambda: guest(address, "cat /sys/block/*/serial 2>/dev/null; true") == "")

with check("reboot, soft"):
    boots = guest(address, "cat /proc/sys/kernel/random/boot_id")
    cloud.compute.reboot_server(server, "SOFT")
    cloud.compute.wait_for_server(server, interval=0.5, wait=120)
    until(120, lambda: guest(address, "cat /proc/sys/kernel/random/boot_id") not in (None, boots))

with check("stop"):
    cloud.compute.stop_server(server)
    server = cloud.compute.wait_for_server(server, status="SHUTOFF", interval=0.5, wait=90)
    equal(server.power_state, 4)

with check("start"):
    cloud.compute.start_server(server)
    server = cloud.compute.wait_for_server(server, interval=0.5, wait=60)
    until(120, lambda: guest(address, "true") is not None)

with check("actions"):
    actions = sorted(action.action for action in cloud.compute.server_actions(server))
    equal(actions, ["attach_volume", "create", "detach_volume", "reboot", "start", "stop"])

with check("trace"):
    answer = cloud.compute.get(f"/servers/{server.id}/cloudbox-trace")
    equal(answer.status_code, 200)
    steps = {step["step"] for step in answer.json()["trace"]["steps"]}
    # No volume came with the request: nothing was asked of the volume service.
    assert {f"B{number}" for number in range(1, 17)} - {"B14", "B15"} <= steps, steps

with check("delete"):
    cloud.compute.delete_server(server)
    cloud.compute.wait_for_delete(server, interval=0.5, wait=60)
    equal(list(cloud.network.ports(device_id=server.id)), [])
    cloud.block_storage.delete_volume(volume)
    cloud.block_storage.wait_for_delete(volume, interval=0.5, wait=30)
    cloud.compute.delete_keypair(key)

checks.finish()
