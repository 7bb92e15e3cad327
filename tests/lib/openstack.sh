# Sourced after clients.sh by suites that drive the `openstack` command: what they ask of it again and again.

# show FIELD NOUN… NAME: one field of one resource, lists and objects as JSON: show status image tiny
show() {
    local field=$1
    shift
    openstack "$@" -f json | jq -rc --arg field "$field" '.[$field] | if type == "array" or type == "object" then tojson else . end'
}
field() {
    local field=$1 noun=$2
    shift 2
    # A noun may be of several words: field status "volume type" NAME
    show "$field" $noun show "$@"
}
# names NOUN [OPTION…]: the column Name of a list, sorted, in one line.
names() {
    local noun=$1
    shift
    openstack $noun list "$@" -f json | jq -r '[.[].Name] | sort | join(" ")'
}
# column COLUMN NOUN [OPTION…]: another column, likewise.
column() {
    local column=$1 noun=$2
    shift 2
    openstack $noun list "$@" -f json | jq -r --arg column "$column" '[.[][$column] | tostring] | sort | join(" ")'
}
