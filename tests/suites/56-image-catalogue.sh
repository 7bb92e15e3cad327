#!/bin/bash
# `cloudbox image`: pull from a server that does what publishers' mirrors do (tests/clients/publisher.py), create, set, share, save.
set -uo pipefail
. tests/lib/check.sh
. tests/lib/cloud.sh

ensure_cloud_binary || exit 1
work=$(mktemp -d)
export HOME=$work/home XDG_CACHE_HOME=$work/cache GNUPGHOME=$work/gnupg
trap '[ -z "${publisher:-}" ] || kill $publisher; stop_cloud; gpgconf --kill all 2>/dev/null; rm -rf "$work"' EXIT
mkdir -p "$HOME" "$work/www" && mkdir -m 700 "$GNUPGHOME"
start_fake_cloud "$work/cloud" || exit 1
cloudbox() { "$cloud_binary" "$@"; }

# What a publisher does: images, sums in every form, signatures.
gpg --batch --quiet --passphrase '' --quick-gen-key publisher ed25519 sign never 2>/dev/null || exit 1
gpg --batch --quiet --passphrase '' --quick-gen-key stranger ed25519 sign never 2>/dev/null || exit 1
sum() { sha512sum "$1" | cut -d' ' -f1; }
fingerprint() { gpg --quiet --with-colons --list-keys "$1" | awk -F: '$1 == "fpr" { print $10; exit }'; }
image() { head -c 3000000 /dev/urandom >"$1"; }
cd "$work/www" || exit 1
gpg --export --armor publisher >publisher.asc
gpg --export publisher >publisher.gpg
mkdir gnu bsd inline each packed wrong forged
image gnu/gnu-1.img
(cd gnu && sha512sum gnu-1.img >SHA512SUMS && gpg --batch --quiet --detach-sign --local-user publisher --output SHA512SUMS.gpg SHA512SUMS)
image bsd/bsd-1.9-r0.img && image bsd/bsd-1.10-r0.img
(cd bsd && sha256sum --tag *.img >CHECKSUM)
image inline/inline-7-1.2.img
(cd inline && sha256sum --tag *.img | gpg --batch --quiet --clear-sign --local-user publisher --output inline-7-1.2-CHECKSUM)
image each/each.img
(cd each && sha512sum each.img | sed 's/each.img/each-build5.img/' >each.img.sha512)
image packed/packed.img && unpacked=$(sum packed/packed.img) && (cd packed && xz -0 packed.img && sha512sum --tag packed.img.xz >CHECKSUM.SHA512)
cp gnu/* wrong/ && image wrong/gnu-1.img
cp gnu/gnu-1.img forged/ && (cd forged && sha512sum gnu-1.img >SHA512SUMS && gpg --batch --quiet --detach-sign --local-user stranger --output SHA512SUMS.gpg SHA512SUMS)
cd - >/dev/null || exit 1

python3 tests/clients/publisher.py "$work/www" "$work/port" >"$work/asked" &
publisher=$!
until_true 20 test -s "$work/port" || exit 1
url=http://127.0.0.1:$(cat "$work/port")
entry() { # NAME DIRECTORY FILE SUMS [SIGNATURE KEY]
    printf '[[image]]\nname = "%s"\ntitle = "%s"\nversions = [{ version = "1", codename = "one" }]\narchitectures = { x86_64 = "amd64", aarch64 = "arm64" }\ndirectory = "%s"\nfile = "%s"\nsums = "%s"\nuser = "%s"\nfirmware = "uefi"\nmin_disk = 1\nmin_ram = 64\n' \
        "$1" "The $1" "$url/$2" "$3" "$4" "$1-user"
    [ -z "${5:-}" ] || printf 'signature = "%s"\nfingerprints = ["%s"]\nkey = "%s/%s"\n' "$5" "$(fingerprint publisher)" "$url" "$6"
}
mkdir -p "$HOME/.config/cloudbox"
{
    entry gnu gnu gnu-1.img SHA512SUMS '{sums}.gpg' publisher.asc
    entry bsd bsd 'bsd-1.*-r*.img' CHECKSUM
    entry inline inline 'inline-7-*.img' 'inline-7-*-CHECKSUM' inline publisher.gpg
    entry each moved/each each.img '{file}.sha512'
    entry packed packed packed.img.xz CHECKSUM.SHA512
    entry wrong wrong gnu-1.img SHA512SUMS '{sums}.gpg' publisher.asc
    entry forged forged gnu-1.img SHA512SUMS '{sums}.gpg' publisher.asc
    entry gone gone gone.img SHA512SUMS
    for trouble in cut stalled changed; do entry $trouble $trouble/gnu gnu-1.img SHA512SUMS; done
} >"$HOME/.config/cloudbox/images.toml"
of() { cloudbox image show "$1" -o json | jq -r ".$2"; }
asked() { grep -c "^$1 " "$work/asked"; }
partly() { find "$XDG_CACHE_HOME" -name "*.part" | grep -q .; }
left() { find "$XDG_CACHE_HOME/cloudbox/images" -type f | wc -l; }
no_image() { ! cloudbox image list -o name | grep -qx "$1"; }

says "the catalogue lists what publishers offer" '^debian-13 +Debian 13 trixie +debian ' cloudbox image catalog
says "and the user's own" '^gnu-1 +The gnu 1 one +gnu-user +1 GiB +64 MiB +yes' cloudbox image catalog
refused "what is not in it cannot be pulled" 'image catalog. lists it' cloudbox image pull dos

says "sums of GNU's form, signed" "gnu-1.img: sha512 of SHA512SUMS, signed by $(fingerprint publisher)" sh -c "'$cloud_binary' image pull gnu-one 2>&1"
is "the image is what was published" "$(sum "$work/www/gnu/gnu-1.img")" of gnu-1 os_hash_value
is "and says who logs in" gnu-user of gnu-1 os_admin_user
is "and what starts it" uefi of gnu-1 hw_firmware_type
is "and how large a disk it needs" 1 of gnu-1 min_disk
is "nothing stays here" 0 left
refused "a name means one image" '--name NAME' cloudbox image pull gnu
check "another name is another image" cloudbox image pull gnu --name again --property os_distro=mine --tag new --visibility public
is "with what was said" "mine new public" sh -c "'$cloud_binary' image show again -o json | jq -r '\"\\(.os_distro) \\(.tags[0]) \\(.visibility)\"'"

says "sums of BSD's form, the newest of a directory" 'bsd-1.10-r0.img: sha256 of CHECKSUM, not signed' sh -c "'$cloud_binary' image pull bsd 2>&1"
refused "an unsigned one is not wanted" 'does not sign' cloudbox image pull bsd --name unsigned --require-signature
says "a signature in the sums" "inline-7-1.2.img: sha256 of inline-7-1.2-CHECKSUM, signed by" sh -c "'$cloud_binary' image pull inline 2>&1"
check "a sum for each file, elsewhere" cloudbox image pull each
check "a packed one" cloudbox image pull packed --keep
is "is unpacked" "$unpacked" of packed-1 os_hash_value
is "and kept" 1 left
asked_before=$(asked packed/packed.img.xz)
check "for another time" cloudbox image pull packed --name packed-2
is "which fetches nothing" "$asked_before" asked packed/packed.img.xz

refused "a wrong sum" 'is not what its publisher says' cloudbox image pull wrong
refused "a stranger's signature" 'none of the keys' cloudbox image pull forged
check "for those who want to, the sum alone" cloudbox image pull forged --no-signature --name unsigned
refused "a file that is gone" '404' cloudbox image pull gone
check "none of them is in the cloud" no_image 'wrong-1'
check "or here" test "$(left)" = 0

check "a server that breaks off is asked for the rest" cloudbox image pull cut
says "from where it was" 'cut/gnu/gnu-1.img 206 from [1-9]' cat "$work/asked"
is "and all fits" "$(sum "$work/www/gnu/gnu-1.img")" of cut-1 os_hash_value
refused "one that stands still is left" 'nearly\) nothing' timeout 120 "$cloud_binary" image pull stalled --stall 1
check "another day it goes on" cloudbox image pull gnu --name later
says "from where it was" '^gnu/gnu-1.img 206 from [1-9]' cat "$work/asked"
refused "what changes on the way is noticed" 'is not what its publisher says' cloudbox image pull changed
"$cloud_binary" image pull stalled --stall 60 2>/dev/null &
killed=$!
until_true 20 partly
kill -9 $killed
check "after kill -9 too" cloudbox image pull gnu --name killed
is "and all fits" "$(sum "$work/www/gnu/gnu-1.img")" of killed os_hash_value
check "nothing stays here" test "$(left)" = 0

head -c 1000000 /dev/urandom >"$work/disk.raw"
check "an image of a file" cloudbox image create mine --file "$work/disk.raw"
check "changed" cloudbox image set mine --name ours --property a=1 --tag x --min-disk 2 --visibility shared
is "as was said" "1 x 2 shared" sh -c "'$cloud_binary' image show ours -o json | jq -r '\"\\(.a) \\(.tags[0]) \\(.min_disk) \\(.visibility)\"'"
check "and less" cloudbox image unset ours --property a --tag x
is "of it" "null []" sh -c "'$cloud_binary' image show ours -o json | jq -rc '\"\\(.a) \\(.tags)\"'"
check "saved" cloudbox image save ours --file "$work/saved.raw"
check "it is the same" cmp "$work/disk.raw" "$work/saved.raw"
refused "a file is not written over" '--force' cloudbox image save ours --file "$work/saved.raw"
head -c 400000 "$work/disk.raw" >"$work/part.raw.$(of ours id).part"
check "a broken download is carried on with" cloudbox image save ours --file "$work/part.raw"
check "and whole" cmp "$work/disk.raw" "$work/part.raw"
project=$(of ours owner)
check "shared with a project" cloudbox image share ours "$project"
says "which is listed" pending cloudbox image members ours
check "taken there" cloudbox image accept "$(of ours id)"
says "which shows" accepted cloudbox image members ours
check "and no longer shared" cloudbox image unshare ours "$project"
check "made useless" cloudbox image set ours --deactivate
is "for all" deactivated of ours status
check "deleted" cloudbox image delete ours
check "and gone" no_image ours
finish
