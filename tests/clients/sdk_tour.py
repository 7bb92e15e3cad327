"""Each service through openstacksdk, against make-believe guests and networks: sdk_tour.py. The cloud is OS_CLOUD's."""

import hashlib
import os

import openstack
from openstack import exceptions

import checks
from checks import check, equal, refused, until

cloud = openstack.connect()
payload = os.urandom(1 << 20)


def names(resources):
    return sorted(resource.name for resource in resources)


# ── identity ──
with check("token, and what it is good for"):
    assert cloud.auth_token
    access = cloud.session.auth.get_access(cloud.session)
    equal(access.project_name, "admin")
    assert "admin" in access.role_names
    services = {service["type"] for service in access.service_catalog.catalog}
    equal(services, {"identity", "compute", "placement", "image", "network", "block-storage"})

with check("domain, project, user, role and assignment"):
    domain = cloud.identity.create_domain(name="sdk", description="of the tour")
    project = cloud.identity.create_project(name="team", domain_id=domain.id)
    user = cloud.identity.create_user(name="bob", domain_id=domain.id, password="a-Secret", default_project_id=project.id)
    member = cloud.identity.find_role("member", ignore_missing=False)
    cloud.identity.assign_project_role_to_user(project, user, member)
    assert cloud.identity.validate_user_has_project_role(project, user, member)
    equal(names(cloud.identity.projects(domain_id=domain.id)), ["team"])
    equal(cloud.identity.update_user(user, description="Bob").description, "Bob")
    assignments = list(cloud.identity.role_assignments(user_id=user.id))
    equal([entry.role["id"] for entry in assignments], [member.id])

with check("another user's connection"):
    bob = cloud.connect_as(username="bob", password="a-Secret", project_name="team", user_domain_name="sdk", project_domain_name="sdk")
    equal(bob.current_project_id, project.id)
    equal(names(bob.network.security_groups()), ["default"])
    equal(list(bob.compute.servers()), [])
    refused(403, lambda: bob.identity.create_user(name="eve"))
    # What belongs to the admin cannot be told from what is not there.
    secret = cloud.network.create_network(name="secret")
    refused(404, lambda: bob.network.get_network(secret.id))
    cloud.network.delete_network(secret)

with check("what the others may see of the cloud's own networks"):
    equal(names(bob.network.networks()), ["default", "public"])

# ── image ──
with check("image: upload, download, properties, tags"):
    image = cloud.create_image("sdk-image", data=payload, disk_format="raw", container_format="bare", wait=True, visibility="public")
    image = cloud.image.get_image(image.id)
    equal((image.status, image.size, image.hash_algo), ("active", len(payload), "sha512"))
    equal(image.hash_value, hashlib.sha512(payload).hexdigest())
    equal(cloud.image.download_image(image, stream=False).content, payload)
    image = cloud.image.update_image(image, min_disk=1, os_distro="debian")
    equal((image.min_disk, image.os_distro), (1, "debian"))
    cloud.image.add_tag(image, "a tag")
    equal(cloud.image.get_image(image.id).tags, ["a tag"])
    cloud.image.remove_tag(image, "a tag")
    equal(names(bob.image.images(visibility="public")), ["sdk-image"])

with check("images, page by page"):
    more = [cloud.image.create_image(name=f"page-{number}", disk_format="raw", container_format="bare") for number in range(5)]
    equal(names(cloud.image.images(limit=2, name=None)), sorted(["sdk-image", *(entry.name for entry in more)]))
    for entry in more:
        cloud.image.delete_image(entry)

# ── network ──
with check("network, subnet, port"):
    network = bob.network.create_network(name="lan")
    subnet = bob.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.88.0.0/24", name="lan4")
    equal((subnet.gateway_ip, subnet.allocation_pools), ("10.88.0.1", [{"start": "10.88.0.2", "end": "10.88.0.254"}]))
    port = bob.network.create_port(network_id=network.id, fixed_ips=[{"ip_address": "10.88.0.9"}], name="p")
    equal((port.fixed_ips[0]["ip_address"], port.status), ("10.88.0.9", "DOWN"))
    equal(bob.network.update_port(port, description="set").description, "set")
    equal(names(bob.network.ports(network_id=network.id)), ["p"])
    refused(409, lambda: bob.network.delete_network(network))

with check("router with a gateway"):
    public = bob.network.find_network("public", ignore_missing=False)
    router = bob.network.create_router(name="r", external_gateway_info={"network_id": public.id})
    bob.network.add_interface_to_router(router, subnet_id=subnet.id)
    equal(router.external_gateway_info["network_id"], public.id)
    refused(409, lambda: bob.network.delete_router(router))

with check("security group and its rules"):
    group = bob.network.create_security_group(name="web")
    equal(len(group.security_group_rules), 2)
    rule = bob.network.create_security_group_rule(
        security_group_id=group.id, direction="ingress", protocol="tcp", port_range_min=80, port_range_max=80,
    )
    equal(rule.ether_type, "IPv4")
    bob.network.delete_security_group_rule(rule)

# ── volume ──
with check("volume, empty and from an image"):
    volume = bob.block_storage.create_volume(size=1, name="v", metadata={"k": "v"})
    volume = bob.block_storage.wait_for_status(volume, "available", interval=0.2, wait=20)
    equal((volume.size, volume.metadata, volume.is_bootable), (1, {"k": "v"}, False))
    bootable = bob.block_storage.create_volume(size=1, name="b", image_id=image.id)
    bootable = bob.block_storage.wait_for_status(bootable, "available", interval=0.2, wait=20)
    assert bootable.is_bootable
    equal(names(bob.block_storage.volumes()), ["b", "v"])
    refused(404, lambda: bob.block_storage.get_volume("00000000-0000-4000-8000-000000000000"))

# ── compute ──
with check("flavors and keypairs"):
    flavor = cloud.compute.create_flavor(name="sdk-flavor", ram=64, vcpus=1, disk=1)
    cloud.compute.create_flavor_extra_specs(flavor, {"hw:x": "1"})
    equal(cloud.compute.fetch_flavor_extra_specs(flavor).extra_specs, {"hw:x": "1"})
    key = bob.compute.create_keypair(name="k")
    assert "PRIVATE KEY" in key.private_key
    equal(names(bob.compute.keypairs()), ["k"])

with check("server: create and wait"):
    server = bob.compute.create_server(
        name="s", image_id=image.id, flavor_id=flavor.id, key_name="k", networks=[{"port": port.id}], metadata={"a": "1"},
        block_device_mapping=[
            {"uuid": image.id, "source_type": "image", "destination_type": "local", "boot_index": 0},
            {"uuid": volume.id, "source_type": "volume", "destination_type": "volume", "boot_index": -1},
        ],
    )
    server = bob.compute.wait_for_server(server, interval=0.2, wait=60)
    equal((server.status, server.vm_state, server.metadata), ("ACTIVE", "active", {"a": "1"}))
    equal([entry["addr"] for entry in server.addresses["lan"]], ["10.88.0.9"])
    equal([entry["id"] for entry in server.attached_volumes], [volume.id])
    equal(bob.network.get_port(port.id).status, "ACTIVE")
    equal(bob.block_storage.get_volume(volume.id).attachments[0]["server_id"], server.id)
    equal(server.compute_host, None)
    assert cloud.compute.get_server(server.id).compute_host

with check("server: change, tags, metadata"):
    equal(bob.compute.update_server(server, name="t").name, "t")
    bob.compute.set_server_metadata(server, b="2")
    equal(bob.compute.get_server_metadata(server).metadata, {"a": "1", "b": "2"})
    bob.compute.delete_server_metadata(server, ["a"])
    bob.compute.add_tag_to_server(server, "x")
    equal(bob.compute.get_server(server.id).tags, ["x"])

with check("server: stop, start, reboot"):
    # Afresh each time: wait_for_server believes what the resource said last.
    def becomes(status):
        until(30, lambda: (now := bob.compute.get_server(server.id)).status == status and not now.task_state)

    bob.compute.stop_server(server)
    becomes("SHUTOFF")
    refused(409, lambda: bob.compute.stop_server(server))
    bob.compute.start_server(server)
    becomes("ACTIVE")
    bob.compute.reboot_server(server, "HARD")
    becomes("ACTIVE")
    equal({entry.action for entry in bob.compute.server_actions(server)}, {"create", "stop", "start", "reboot"})

with check("server: attach and detach a volume"):
    attachment = bob.compute.create_volume_attachment(server, volume_id=bootable.id)
    bob.block_storage.wait_for_status(bootable, "in-use", interval=0.2, wait=30)
    equal({entry.volume_id for entry in bob.compute.volume_attachments(server)}, {volume.id, bootable.id})
    assert attachment.device.startswith("/dev/vd"), attachment.device
    bob.compute.delete_volume_attachment(server, bootable.id)
    bob.block_storage.wait_for_status(bootable, "available", interval=0.2, wait=30)

with check("server: another project's is not there"):
    carol = cloud.identity.create_user(name="carol", domain_id=domain.id, password="b-Secret")
    other = cloud.identity.create_project(name="other", domain_id=domain.id)
    cloud.identity.assign_project_role_to_user(other, carol, member)
    hers = cloud.connect_as(username="carol", password="b-Secret", project_name="other", user_domain_name="sdk", project_domain_name="sdk")
    equal(list(hers.compute.servers()), [])
    refused(404, lambda: hers.compute.get_server(server.id))
    refused(404, lambda: hers.block_storage.get_volume(volume.id))
    refused(404, lambda: hers.network.get_port(port.id))
    equal(names(cloud.compute.servers(all_projects=True)), ["t"])

with check("a server that cannot be built says why"):
    big = cloud.compute.create_flavor(name="sdk-big", ram=512, vcpus=1, disk=1 << 20)
    never = bob.compute.create_server(name="never", image_id=image.id, flavor_id=big.id, networks=[{"uuid": network.id}])
    try:
        bob.compute.wait_for_server(never, interval=0.2, wait=30)
        raise AssertionError("it was built")
    except exceptions.ResourceFailure:
        pass
    fault = bob.compute.get_server(never.id).fault
    assert "No valid host" in fault["message"], fault
    bob.compute.delete_server(never)
    bob.compute.wait_for_delete(never, interval=0.2, wait=30)
    cloud.compute.delete_flavor(big)

with check("quotas and limits"):
    cloud.set_compute_quotas(project.id, instances=1)
    refused(403, lambda: bob.compute.create_server(name="2", image_id=image.id, flavor_id=flavor.id, networks=[{"uuid": network.id}]))
    limits = bob.compute.get_limits().absolute
    equal((limits.instances, limits.instances_used), (1, 1))
    cloud.delete_compute_quotas(project.id)
    equal(bob.compute.get_limits().absolute.instances, 10)

with check("the end of it all"):
    bob.compute.delete_server(server)
    bob.compute.wait_for_delete(server, interval=0.2, wait=30)
    # A port that was made beforehand survives its server.
    equal(bob.network.get_port(port.id).status, "DOWN")
    for entry in (volume, bootable):
        bob.block_storage.wait_for_status(entry, "available", interval=0.2, wait=20)
        bob.block_storage.delete_volume(entry)
        bob.block_storage.wait_for_delete(entry, interval=0.2, wait=20)
    bob.compute.delete_keypair("k")
    bob.network.delete_port(port)
    bob.network.remove_interface_from_router(router, subnet_id=subnet.id)
    bob.network.delete_router(router)
    bob.network.delete_security_group(group)
    bob.network.delete_network(network)
    equal(names(bob.network.networks()), ["default", "public"])
    cloud.compute.delete_flavor(flavor)
    cloud.image.delete_image(image)
    equal(list(cloud.image.images()), [])
    for entry in (user, carol):
        cloud.identity.delete_user(entry)
    for entry in (project, other):
        cloud.identity.delete_project(entry)
    cloud.identity.update_domain(domain, is_enabled=False)
    cloud.identity.delete_domain(domain)
    refused(401, lambda: list(bob.compute.servers()))

checks.finish()
