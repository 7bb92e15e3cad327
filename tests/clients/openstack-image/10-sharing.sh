# Two projects: what one shares, the other accepts; community images; what others may not do.

for name in alice bob; do
    check "project create $name" openstack project create "$name"
    check "user create $name" openstack user create --password "its-$name-Secret1" "$name"
    check "role add $name" openstack role add --project "$name" --user "$name" member
done
# as NAME COMMAND…: as that user, for his project.
as() {
    local name=$1
    shift
    env -u OS_CLOUD OS_AUTH_URL="$cloud_url/identity/v3" OS_IDENTITY_API_VERSION=3 OS_USERNAME="$name" OS_USER_DOMAIN_NAME=Default \
        OS_PASSWORD="its-$name-Secret1" OS_PROJECT_NAME="$name" OS_PROJECT_DOMAIN_NAME=Default "$@"
}
# names_of NAME [OPTION…]: the names in his list, sorted.
names_of() {
    local name=$1
    shift
    as "$name" openstack image list "$@" -f json | jq -r '[.[].Name] | sort | join(" ")'
}
bob_id=$(openstack project show bob -f value -c id)
head -c 200000 /dev/urandom >"$work/bytes"

check "image create, shared" as alice openstack image create --file "$work/bytes" --disk-format raw --shared common
id=$(as alice openstack image show common -f value -c id)
check "image add project" as alice openstack image add project common "$bob_id"
refused "image add project, again" '409' as alice openstack image add project common "$bob_id"
is "image member list" "$bob_id pending" sh -c "$(declare -f as); cloud_url=$cloud_url; as alice openstack image member list common -f json | jq -r '.[] | .\"Member ID\" + \" \" + .Status'"
is "a member does not have it in his list yet" "" names_of bob
is "nor anybody else's word for it" "common" names_of bob --member-status pending
refused "its owner does not accept it" '403' as alice openstack image set --accept --project "$bob_id" "$id"
check "image set --accept" as bob openstack image set --accept "$id"
is "now he has" "common" names_of bob
is "image save, by a member" "$(sha256sum <"$work/bytes" | cut -d' ' -f1)" \
    sh -c "$(declare -f as); cloud_url=$cloud_url; as bob openstack image save --file '$work/saved' $id && sha256sum <'$work/saved' | cut -d' ' -f1"
refused "a member does not delete it" '403' as bob openstack image delete "$id"
refused "nor change it" '403' as bob openstack image set --name mine "$id"
check "image set --reject" as bob openstack image set --reject "$id"
is "he has it no more" "" names_of bob
check "image remove project" as alice openstack image remove project common "$bob_id"
refused "he does not know of it any more" 'No Image found|404' as bob openstack image show "$id"

check "image set --private" as alice openstack image set --private common
refused "a private image has no members" '403' as alice openstack image add project common "$bob_id"
check "image set --community" as alice openstack image set --community common
is "a community image is in no list" "" names_of bob
is "but where it is asked for" "common" names_of bob --community
check "and can be used" as bob openstack image show "$id"
refused "only an administrator makes it public" '403' as alice openstack image set --public common
check "image set --public, by an administrator" openstack image set --public "$id"
is "a public image is in all lists" "common" names_of bob

check "image set --deactivate" as alice openstack image set --deactivate common
is "image show: status" "deactivated" sh -c "$(declare -f as); cloud_url=$cloud_url; as alice openstack image show common -f value -c status"
# The command does not look at the answer's status, but at what it got.
refused "image save, of a deactivated one" '403|mismatch' as bob openstack image save --file "$work/saved" "$id"
check "image set --activate" as alice openstack image set --activate common
check "image set --hidden" as alice openstack image set --hidden common
is "a hidden image is in no list" "" names_of alice
is "image list --hidden" "common" names_of alice --hidden
check "image set --unhidden" as alice openstack image set --unhidden common
check "image set --project, by an administrator" openstack image set --project bob "$id"
is "it is the other project's" "$bob_id" sh -c "openstack image show $id -f value -c owner"
check "image delete" as bob openstack image delete "$id"
