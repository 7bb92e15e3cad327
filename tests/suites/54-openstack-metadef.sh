#!/bin/bash
# The `openstack image metadef` commands, and OpenStack's own tests of metadata definitions. ONLY_PARTS="commands tempest" runs those.
set -uo pipefail
. tests/lib/check.sh
. tests/lib/clients.sh
. tests/lib/openstack.sh
. tests/lib/cloud.sh

work=$(mktemp -d)
trap 'stop_cloud; stop_openstack_server; rm -rf "$work"' EXIT
ensure_cloud_binary && clients_venv && start_openstack_server "$work" && start_fake_cloud "$work/cloud" || exit 1

commands() {
    says "the usual definitions are there" 'OS::Compute::LibvirtImage' openstack image metadef namespace list
    says "they are for resource types" '"OS::Compute::Quota"' openstack image metadef namespace list --resource-types OS::Nova::Flavor -f json
    says "resource types are listed" 'OS::Glance::Image' openstack image metadef resource type list -f value
    says "one is shown" '"owner": "admin"' openstack image metadef namespace show OS::Compute::LibvirtImage -f json
    is "and what is in it" '["bios","uefi"]' show enum image metadef property show OS::Compute::LibvirtImage hw_firmware_type
    refused "a protected one stays" 'protected' openstack image metadef namespace delete OS::Compute::Quota

    is "a namespace is made" private openstack image metadef namespace create Suite::Space --display-name Suite --private -f value -c visibility
    check "and changed" openstack image metadef namespace set Suite::Space --public --description "of the suite"
    is "which shows" public openstack image metadef namespace show Suite::Space -f value -c visibility
    refused "twice it is not made" 'already exists' openstack image metadef namespace create Suite::Space
    refused "there is no other" '(No|not) .*found|404' openstack image metadef namespace show Suite::Other

    says "an object is made" '^box$' openstack image metadef object create --namespace Suite::Space box -f value -c name
    says "objects are listed" 'box' openstack image metadef object list Suite::Space -f value
    check "an object is renamed" openstack image metadef object update Suite::Space box --name crate
    is "and shown" crate openstack image metadef object show Suite::Space crate -f value -c name
    check "and deleted" openstack image metadef object delete Suite::Space crate
    is "and gone" '' openstack image metadef object list Suite::Space -f value

    says "a property is made" '"integer"' openstack image metadef property create Suite::Space --name size --title Size --type integer --schema '{"minimum": 1}' -f json
    says "properties are listed" 'size' openstack image metadef property list Suite::Space -f value
    check "a property is changed" openstack image metadef property set Suite::Space size --title Length
    is "and shown" Length openstack image metadef property show Suite::Space size -f value -c title
    check "and deleted" openstack image metadef property delete Suite::Space size

    says "a resource type is associated" 'Suite::Type' openstack image metadef resource type association create Suite::Space Suite::Type -f json
    says "associations are listed" 'Suite::Type' openstack image metadef resource type association list Suite::Space -f value
    check "and taken away" openstack image metadef resource type association delete Suite::Space Suite::Type
    check "the namespace is deleted" openstack image metadef namespace delete Suite::Space
}

tempest_part() {
    # The settings of a run name two images.
    for name in one two; do
        head -c 100000 /dev/urandom >"$work/bytes"
        openstack image create --file "$work/bytes" --disk-format raw --public "$name" >"$check_output" || return 1
    done
    (stop_openstack_server; tests/tempest/run.sh "$work/tempest" 'tempest.api.image.v2.*metadef') >"$work/tempest.txt"
    local status=$?
    cat "$work/tempest.txt"
    add_counts "$work/tempest.txt" $status
}

for part in ${ONLY_PARTS:-commands tempest}; do
    case $part in
    commands) commands ;;
    tempest) tempest_part ;;
    esac
done
grep -aE 'panicked| ERROR ' "$work/cloud/serve.log" >"$check_output"
check "the log holds no error" test ! -s "$check_output"
finish
