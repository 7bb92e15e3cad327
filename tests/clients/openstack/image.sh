# Images: their bytes, properties and tags.

head -c 3000000 /dev/urandom >"$work/bytes"
qemu-img create -q -f qcow2 "$work/plain.qcow2" 8M
qemu-img create -q -f qcow2 -b "$work/plain.qcow2" -F qcow2 "$work/overlay.qcow2"

is "image create, from a file" "active" show status image create --file "$work/bytes" --disk-format raw --container-format bare \
    --property hw_disk_bus=virtio --tag first --min-disk 1 --min-ram 64 bytes
is "image show: size" "3000000" field size image bytes
is "image show: checksum" "$(md5sum <"$work/bytes" | cut -d' ' -f1)" field checksum image bytes
says "image show: sha512" "$(sha512sum <"$work/bytes" | cut -d' ' -f1)" openstack image show bytes -f json
is "image save" "$(sha256sum <"$work/bytes")" sh -c "openstack image save --file '$work/saved' bytes && sha256sum <'$work/saved'"
is "image create, of qcow2" "active" show status image create --file "$work/plain.qcow2" --disk-format qcow2 --public plain
refused "an image with a backing file" '415|refused' openstack image create --file "$work/overlay.qcow2" --disk-format qcow2 overlay
is "image list" "active active" sh -c 'openstack image list --status active -f json | jq -r "[.[].Status] | join(\" \")"'
is "image list: public ones" "plain" names image --public
is "image list: by name" "plain" names image --name plain
is "image list: by tag" "bytes" names image --tag first
is "image list: sorted" "plain bytes" sh -c 'openstack image list --sort name:desc -f json | jq -r "[.[].Name] | join(\" \")"'
says "image list --long" 'plain +\| qcow2 .* public' openstack image list --long

check "image set" openstack image set --name data --property os_distro=debian --tag second --min-ram 128 --protected bytes
is "image show: tags" '["first","second"]' sh -c "openstack image show data -f json | jq -c '.tags | sort'"
is "image show: properties" 'debian virtio' sh -c "openstack image show data -f json | jq -r '.properties | .os_distro + \" \" + .hw_disk_bus'"
is "image show: min_ram" "128" field min_ram image data
check "image unset" openstack image unset --property os_distro --tag first data
is "what was unset is gone" '["second"] null' sh -c "openstack image show data -f json | jq -r '(.tags | tojson) + \" \" + (.properties.os_distro | tojson)'"
refused "a protected image is not deleted" 'protected|403' openstack image delete data
check "image set --unprotected" openstack image set --unprotected data
check "image set --shared, --private, --community" sh -c 'for as in shared private community; do openstack image set --$as data || exit; done'
check "image delete" openstack image delete data plain
for name in $(names image); do openstack image delete "$name"; done
is "no image is left" "" names image
refused "what is not there" 'No Image found for data' openstack image show data
