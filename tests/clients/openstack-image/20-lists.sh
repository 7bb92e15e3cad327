# Filters, order, limits of lists; properties and tags.

head -c 5000 /dev/urandom >"$work/bytes"
make() {
    local name=$1
    shift
    openstack image create --disk-format raw --file "$work/bytes" "$@" "$name"
}
check "image create, with tags and properties" make one --tag a --tag b --property os_distro=debian --property note='with blanks, and more' --min-ram 64
check "image create, another" make two --tag a --property os_distro=fedora --protected
check "image create, with neither" make three
is "image list --property" "one" names image --property os_distro=debian
is "image list --property, with blanks and commas" "one" names image --property note='with blanks, and more'
is "image list --tag" "one two" names image --tag a
is "image list --tag, all of them" "one" names image --tag a --tag b
is "image list --name" "two" names image --name two
is "image list --status" "one three two" names image --status active
is "image list --sort" "two three one" sh -c 'openstack image list --sort name:desc -f json | jq -r "[.[].Name] | join(\" \")"'
is "image list --limit" "1" sh -c 'openstack image list --limit 1 -f json | jq length'
# The command asks for the page in the order that the service has by itself, the newest first, and sorts what it gets.
last=$(openstack image list --sort name:asc -f json | jq -r '.[1].ID')
is "image list --marker" "one two" sh -c "openstack image list --sort name:asc --marker $last -f json | jq -r '[.[].Name] | join(\" \")'"
is "image list --long" "a, b" sh -c 'openstack image list --long --name one -f json | jq -r ".[0].Tags | join(\", \")"'
check "image set, of what was not set" openstack image set --os-version 13 --min-disk 3 three
is "image show: what was set" "3 13" sh -c 'openstack image show three -f json | jq -r "(.min_disk | tostring) + \" \" + .properties.os_version"'
refused "image set, of a reserved property" '403' openstack image set --property os_glance_x=y three
check "image unset" openstack image unset --property os_version three
refused "image set, of a format, once there are bytes" '403' openstack image set --disk-format qcow2 three
refused "image delete, of a protected one" '403' openstack image delete two
check "image set --unprotected" openstack image set --unprotected two
check "image delete, several" openstack image delete one two three
