#!/bin/bash
# Lays out all that a package has below DIRECTORY: packaging/stage.sh BINARY DIRECTORY debian|fedora
#
# The one list of what is installed where. What is made out of the command line (manual pages, completions) is made by the
# binary itself, what is made out of the source by packaging/licences.py.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=$1 root=$2 family=$3
case $family in
debian) zsh=usr/share/zsh/vendor-completions ;;
fedora) zsh=usr/share/zsh/site-functions ;;
*) echo "stage: for debian or fedora" >&2; exit 2 ;;
esac
doc=usr/share/doc/cloudbox

# put MODE FILE PATH
put() { install -D -m "$1" "$2" "$root/$3"; }
# text PATH: from standard input
text() { mkdir -p "$root/${1%/*}"; cat >"$root/$1"; chmod 644 "$root/$1"; }

umask 022
put 755 "$binary" usr/bin/cloudbox
# The release has no symbols by its profile; a debug build is packaged by tests alone.
[ -z "${STRIP:-}" ] || strip --strip-all "$root/usr/bin/cloudbox"
put 755 packaging/host/load-modules usr/lib/cloudbox/load-modules
put 644 packaging/systemd/cloudbox.service usr/lib/systemd/system/cloudbox.service
put 644 packaging/sysctl.d/60-cloudbox.conf usr/lib/sysctl.d/60-cloudbox.conf

# Every key with its default, but none set: what is not changed follows the next version's defaults. Names of sections stay,
# so that taking away one # is all that a change needs.
sed -E 's/^[a-z0-9_]+ = /#&/; s/^\[\[/#&/' config/cloudbox.toml | text etc/cloudbox/cloudbox.toml

"$binary" man "$root/usr/share/man/man1"
find "$root/usr/share/man" -name '*.1' -exec chmod 644 {} + -exec gzip -9n {} +
"$binary" completion bash | text usr/share/bash-completion/completions/cloudbox
"$binary" completion zsh | text "$zsh/_cloudbox"
"$binary" completion fish | text usr/share/fish/vendor_completions.d/cloudbox.fish

put 644 README.md $doc/README.md
for file in docs/*.md; do put 644 "$file" "$doc/${file#docs/}"; done
put 644 NOTICE $doc/NOTICE
python3 packaging/licences.py | gzip -9n | text $doc/third-party.txt.gz
