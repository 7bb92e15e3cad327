# Sourced by the suite of packages: they are made, and looked at as files. Nothing is installed here.

# make_packages DIR: older_deb, older_rpm, deb and rpm: two versions of one binary, which is stripped and hardly compressed. With CLOUDBOX_DEB
# the newer .deb is that one, such as a release, and the others are made from its binary.
make_packages() {
    local began=$SECONDS
    export STRIP=1 FAST=1
    mkdir -p "$1/old" "$1/new"
    if [ -n "${CLOUDBOX_DEB:-}" ]; then
        dpkg-deb -x "$CLOUDBOX_DEB" "$1/given" || return 1
        cloud_binary=$1/given/usr/bin/cloudbox
    fi
    VERSION=$(previous_version) packaging/build.sh "$cloud_binary" "$1/old" >"$1/build.log" || { cat "$1/build.log"; return 1; }
    FORMATS=${CLOUDBOX_DEB:+rpm} packaging/build.sh "$cloud_binary" "$1/new" >"$1/build.log" || { cat "$1/build.log"; return 1; }
    older_deb=$(echo "$1"/old/*.deb) older_rpm=$(echo "$1"/old/*.rpm) deb=${CLOUDBOX_DEB:-$(echo "$1"/new/*.deb)} rpm=$(echo "$1"/new/*.rpm)
    echo "packages made in $((SECONDS - began)) s"
}

# Whoever makes them from the same source gets the same bytes.
same_bytes_again() {
    mkdir -p "$work/again"
    VERSION=$(previous_version) packaging/build.sh "$cloud_binary" "$work/again" >/dev/null
    check "the same source makes the same .deb" cmp "$older_deb" "$work/again/${older_deb##*/}"
    check "… and the same .rpm" cmp "$older_rpm" "$work/again/${older_rpm##*/}"
}

# clean TEXT COMMAND…: it succeeds and has nothing to say.
clean() {
    local text=$1
    shift
    if "$@" >"$check_output" 2>&1 && [ ! -s "$check_output" ]; then pass "$text"; else fail "$text" "complaints from: $*"; fi
}

look_at_deb() {
    echo "the .deb"
    local tree=$work/tree
    says "its name" '/cloudbox_[0-9.]+-1_amd64\.deb$' echo "$deb"
    clean "lintian has nothing to say" lintian --allow-root --fail-on error,warning "$deb"
    dpkg-deb -x "$deb" "$tree"
    is "what is not a program is not executable" "" find "$tree" -type f -perm /111 ! -path '*/usr/bin/cloudbox' ! -path '*/usr/lib/cloudbox/*'
    is "no key is set in the configuration" "" sed -E '/^(#.*|\[.*|)$/d' "$tree/etc/cloudbox/cloudbox.toml"
    is "… and every key is there" "$(grep -cE '^[a-z0-9_]+ = ' config/cloudbox.toml)" \
        sh -c "sed 's/^#//' '$tree/etc/cloudbox/cloudbox.toml' | grep -xFf config/cloudbox.toml | grep -cE '^[a-z0-9_]+ = '"
    is "a manual page for each verb" "$("$cloud_binary" man "$work/man" && ls "$work/man" | sed 's/$/.gz/')" ls "$tree/usr/share/man/man1"
    for file in bash-completion/completions/cloudbox zsh/vendor-completions/_cloudbox fish/vendor_completions.d/cloudbox.fish; do
        says "completions: ${file%%/*}" 'security-group' cat "$tree/usr/share/$file"
    done
    check "bash can read its own" bash -n "$tree/usr/share/bash-completion/completions/cloudbox"
    hardened "$tree/usr/bin/cloudbox"
    says "the licence of libvirt's bindings is told" 'LGPL-2\.1' cat "$tree/usr/share/doc/cloudbox/copyright"
    says "… and those of all crates" '^tokio [0-9.]+: MIT' zcat "$tree/usr/share/doc/cloudbox/third-party.txt.gz"
}

# hardened BINARY: what no critic of packages insists on, but everybody expects of a daemon that runs as root.
hardened() {
    says "the binary can be loaded anywhere" 'FLAGS_1.*\bPIE\b' readelf -dW "$1"
    says "… its tables are read-only once it is" 'GNU_RELRO' readelf -lW "$1"
    says "… at once" 'BIND_NOW|FLAGS_1.*\bNOW\b' readelf -dW "$1"
    says "… its stack is no code" 'GNU_STACK +(0x[0-9a-f]+ +){5}RW +' readelf -lW "$1"
    is "… and it has no symbols and no debugging information" "" sh -c "readelf -SW '$1' | grep -E '\.(symtab|debug_(info|line|str))'; true"
}

look_at_rpm() {
    echo "the .rpm"
    says "its name" '/cloudbox-[0-9.]+-1\.x86_64\.rpm$' echo "$rpm"
    says "rpmlint has nothing to say" '0 errors, 0 warnings' rpmlint --config packaging/rpm/rpmlint.toml "$rpm"
    is "the same files, but for what each distribution has elsewhere" "" sh -c "
        names() { grep -vE '/(man|lintian|licenses|doc)/|completions|zsh|/\$' | sort; }
        dpkg-deb --fsys-tarfile '$deb' | tar -t | sed 's/^\\.//' | names >'$work/deb.files'
        rpm -qpl '$rpm' | names | grep -vE '^/(etc|usr/lib)/cloudbox\$' >'$work/rpm.files'
        diff '$work/deb.files' '$work/rpm.files'"
    is "changes to the configuration are kept" "/etc/cloudbox/cloudbox.toml" rpm -qp --configfiles "$rpm"
    # It is opened when it is needed: neither kind of package finds that out by itself.
    says "it needs libvirt's library" '^libvirt-libs$' rpm -qp --requires "$rpm"
    says "… and so does the .deb" '(^|, )libvirt0(,|$)' dpkg-deb -f "$deb" Depends
}
