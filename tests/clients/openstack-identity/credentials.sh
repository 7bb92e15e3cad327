# What users keep here: credentials, EC2 keys.

check "credential create" openstack credential create --type cert admin some-text
credential=$(openstack credential list --type cert -f value -c ID)
check "credential set" openstack credential set --user admin --type cert --data other-text "$credential"
is "credential show" "other-text" field blob credential "$credential"
check "credential delete" openstack credential delete "$credential"
check "ec2 credentials create" sh -c "openstack ec2 credentials create -f json >'$work/ec2'"
access=$(jq -r .access "$work/ec2")
is "ec2 credentials list" "$access" column Access "ec2 credentials"
is "ec2 credentials show" "$(jq -r .secret "$work/ec2")" field secret "ec2 credentials" "$access"
check "ec2 credentials delete" openstack ec2 credentials delete "$access"
