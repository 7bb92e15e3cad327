# Identity providers, mappings, protocols, service providers.

check "domain create" openstack domain create elsewhere
check "identity provider create" openstack identity provider create --remote-id https://one.example --domain elsewhere one
check "identity provider set" openstack identity provider set --description first --remote-id https://two.example one
is "identity provider show" "first" field description "identity provider" one
is "identity provider list" "one" column ID "identity provider"
cat >"$work/mapping" <<'EOF'
[{"local": [{"user": {"name": "{0}"}}, {"group": {"name": "guests", "domain": {"name": "elsewhere"}}}],
  "remote": [{"type": "OIDC-preferred_username"}]}]
EOF
check "mapping create" openstack mapping create --rules "$work/mapping" people
is "mapping list" "people" column ID mapping
says "mapping show" 'OIDC-preferred_username' openstack mapping show people
sed -i 's/preferred_username/email/' "$work/mapping"
check "mapping set" openstack mapping set --rules "$work/mapping" people
echo '[{}]' >"$work/mapping"
refused "a mapping is checked" '400' openstack mapping create --rules "$work/mapping" wrong
check "federation protocol create" openstack federation protocol create --identity-provider one --mapping people openid
is "federation protocol list" "openid" column id "federation protocol" --identity-provider one
is "federation protocol show" "people" field mapping "federation protocol" --identity-provider one openid
echo '[{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "OIDC-sub"}]}]' >"$work/mapping"
check "mapping create, another" openstack mapping create --rules "$work/mapping" subjects
# The command itself ends with 1 whatever happened: it returns what it should print.
openstack federation protocol set --identity-provider one --mapping subjects openid >"$check_output" 2>&1
is "federation protocol set" "subjects" field mapping "federation protocol" --identity-provider one openid
check "federation protocol delete" openstack federation protocol delete --identity-provider one openid
check "mapping delete" openstack mapping delete people subjects
check "identity provider delete" openstack identity provider delete one
check "service provider create" openstack service provider create --auth-url https://two.example/v3/auth \
    --service-provider-url https://two.example/sp two
check "service provider set" openstack service provider set --description second two
is "service provider show" "second" field description "service provider" two
is "service provider list" "two" column ID "service provider"
check "service provider delete" openstack service provider delete two
check "federation domain list" openstack federation domain list
check "federation project list" openstack federation project list

check "domain delete" sh -c 'openstack domain set --disable elsewhere && openstack domain delete elsewhere'
