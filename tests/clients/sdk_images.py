"""openstacksdk's image proxy, call by call, against the cloud of OS_CLOUD."""

import hashlib
import io
import os

import openstack
from checks import check, equal, finish, refused, until

cloud = openstack.connect()
image = cloud.image
payload = os.urandom(300_000)
neighbour = cloud.identity.create_project(name="neighbour")


def names(entries):
    return sorted(entry.name for entry in entries)


def digest(content):
    return hashlib.sha256(content).hexdigest()


with check("upload_image, find_image, get_image"):
    made = image.upload_image(
        container_format="bare", disk_format="raw", data=payload, name="sdk", visibility="shared", tags=["one"], os_distro="debian",
    )
    found = image.find_image("sdk")
    equal(found.id, made.id)
    found = image.get_image(made.id)
    equal((found.status, found.size, found.checksum), ("active", len(payload), hashlib.md5(payload).hexdigest()))
    equal((found.os_distro, found.tags, found.is_hidden, found.is_protected), ("debian", ["one"], False, False))
    refused(404, lambda: image.get_image("nothing"))

with check("download_image, whole and streamed"):
    equal(digest(image.download_image(made, stream=False).content), digest(payload))
    streamed = io.BytesIO()
    for chunk in image.download_image(made, stream=True).iter_content(65536):
        streamed.write(chunk)
    equal(digest(streamed.getvalue()), digest(payload))

with check("images, with filters"):
    equal(names(image.images(name="sdk")), ["sdk"])
    equal(names(image.images(tag="one")), ["sdk"])
    equal(names(image.images(tag="two")), [])
    equal(names(image.images(visibility="shared", status="active", size_min=1)), ["sdk"])
    equal(names(image.images(sort_key="name", sort_dir="asc", limit=1)), ["sdk"])
    equal(names(image.images(member_status="all")), ["sdk"])
    equal(names(image.images(created_at="gt:2001-01-01T00:00:00Z")), ["sdk"])

with check("update_image: attributes and properties, new, changed and removed"):
    changed = image.update_image(made, name="renamed", min_disk=2, os_version="13")
    equal((changed.name, changed.min_disk, changed.os_version), ("renamed", 2, "13"))
    changed = image.update_image(changed, is_protected=True)
    refused(403, lambda: image.delete_image(changed))
    changed = image.update_image(changed, is_protected=False, name="sdk")
    refused(403, lambda: image.patch(f"/images/{made.id}", json=[{"op": "add", "path": "/os_glance_x", "value": "y"}],
                                     headers={"Content-Type": "application/openstack-images-v2.1-json-patch"}, raise_exc=True))

with check("add_tag, remove_tag"):
    image.add_tag(made, "a tag")
    equal(sorted(image.get_image(made).tags), ["a tag", "one"])
    image.remove_tag(made, "a tag")
    equal(image.get_image(made).tags, ["one"])
    refused(404, lambda: image.remove_tag(made, "a tag"))

with check("members"):
    member = image.add_member(made, member=neighbour.id)
    equal((member.member_id, member.status), (neighbour.id, "pending"))
    equal([entry.member_id for entry in image.members(made)], [neighbour.id])
    equal(image.get_member(neighbour.id, made).status, "pending")
    equal(image.find_member(neighbour.id, made).status, "pending")
    equal(image.update_member(neighbour.id, made, status="accepted").status, "accepted")
    refused(409, lambda: image.add_member(made, member=neighbour.id))
    image.remove_member(neighbour.id, made)
    equal(list(image.members(made)), [])

with check("deactivate_image, reactivate_image"):
    image.deactivate_image(made)
    equal(image.get_image(made).status, "deactivated")
    image.reactivate_image(made)
    equal(image.get_image(made).status, "active")

with check("schemas"):
    for schema, name in [
        (image.get_images_schema(), "images"), (image.get_image_schema(), "image"), (image.get_members_schema(), "members"),
        (image.get_member_schema(), "member"), (image.get_tasks_schema(), "tasks"), (image.get_task_schema(), "task"),
    ]:
        equal(schema.name, name)
        assert schema.properties, name

with check("the cache"):
    image.queue_image(made)
    until(20, lambda: [entry.image_id for entry in image.get_image_cache().cached_images] == [made.id])
    equal(len(image.cached_image_nodes(made)), 1)
    equal(image.prune_cache(), {"total_files_pruned": 0, "total_bytes_pruned": 0})
    image.clean_cache()
    equal(digest(image.download_image(made, stream=False).content), digest(payload))
    equal(image.get_image_cache().cached_images[0].hits, 1)
    # Of an Image it makes an address of the whole object, and ignores that there is none.
    image.cache_delete_image(made.id)
    equal(image.get_image_cache().cached_images, [])
    image.clear_cache()

with check("locations: not without an http store"):
    refused(403, lambda: image.patch(f"/images/{made.id}", json=[{"op": "add", "path": "/locations/-", "value": {"url": "http://x", "metadata": {}}}],
                                     headers={"Content-Type": "application/openstack-images-v2.1-json-patch"}, raise_exc=True))

with check("versions"):
    versions = [version["id"] for version in image.get(cloud.image.get_endpoint().split("/v2")[0] + "/versions").json()["versions"]]
    equal((versions[0], "v2.0" in versions, len(versions)), ("v2.18", True, 19))

with check("delete_image"):
    image.delete_image(made)
    equal(image.find_image("sdk"), None)
    image.delete_image(made, ignore_missing=True)

cloud.identity.delete_project(neighbour)
finish()
