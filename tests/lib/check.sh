# Sourced by suites that count their checks one by one. A check says one line, and shows the command's output when it
# fails; the suite goes on. `finish` prints the count and is the suite's exit status.

check_passed=0 check_failed=0
check_output=$(mktemp)

pass() {
    check_passed=$((check_passed + 1))
    echo "  ✓ $1"
}

fail() {
    check_failed=$((check_failed + 1))
    echo "  ✗ $1"
    shift
    printf '    %s\n' "$@"
    tail -n 20 "$check_output" | cut -c1-600 | sed 's/^/    | /'
}

# check TEXT COMMAND...: the command succeeds. Not in a subshell: a check may set variables.
check() {
    local text=$1
    shift
    if "$@" >"$check_output" 2>&1; then pass "$text"; else fail "$text" "failed: $*"; fi
}

# is TEXT EXPECTED COMMAND...: the command succeeds and prints just that.
is() {
    local text=$1 expected=$2
    shift 2
    if ! "$@" >"$check_output" 2>&1; then
        fail "$text" "failed: $*"
    elif [ "$(cat "$check_output")" = "$expected" ]; then
        pass "$text"
    else
        fail "$text" "expected: $expected" "from: $*"
    fi
}

# says TEXT PATTERN COMMAND...: the command succeeds and a line of what it prints matches.
says() {
    local text=$1 pattern=$2
    shift 2
    if ! "$@" >"$check_output" 2>&1; then
        fail "$text" "failed: $*"
    elif grep -qE -- "$pattern" "$check_output"; then
        pass "$text"
    else
        fail "$text" "expected a line that matches: $pattern" "from: $*"
    fi
}

# refused TEXT PATTERN COMMAND...: the command fails and a line of what it prints matches.
refused() {
    local text=$1 pattern=$2
    shift 2
    if "$@" >"$check_output" 2>&1; then
        fail "$text" "should have failed: $*"
    elif grep -qE -- "$pattern" "$check_output"; then
        pass "$text"
    else
        fail "$text" "expected a line that matches: $pattern" "from: $*"
    fi
}

# until_true SECONDS COMMAND...: again and again until it succeeds.
until_true() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.3
    done
}

# Counts "N passed, N failed" that a program of its own has printed as its last such line: add_counts FILE STATUS
add_counts() {
    local line
    line=$(grep -aoE '[0-9]+ passed, [0-9]+ failed' "$1" | tail -1)
    [ -n "$line" ] || line="0 passed, 1 failed"
    check_passed=$((check_passed + ${line%% *}))
    line=${line#*, }
    line=${line%% *}
    [ "$2" = 0 ] || [ "$line" != 0 ] || line=1
    check_failed=$((check_failed + line))
}

finish() {
    rm -f "$check_output"
    echo "$check_passed passed, $check_failed failed"
    [ "$check_failed" = 0 ]
}
