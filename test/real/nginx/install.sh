#!/usr/bin/env bash
# install.sh FOLDER: Debian's nginx with its njs module in FOLDER/nginx, unpacked there without being installed; the binary is
# FOLDER/nginx/usr/sbin/nginx. Does nothing where it is there already. Exit 3: it cannot be had here, said on standard error.
set -euo pipefail
target="$1/nginx"
[ -f "$target/.complete" ] && exit 0
command -v apt-get >/dev/null || { echo "nginx: no apt-get" >&2; exit 3; }
packages=$(mktemp -d)
trap 'rm -rf "$packages"' EXIT
fetch() { (cd "$packages" && apt-get download -qq nginx libnginx-mod-http-js >&2); }
fetch || { apt-get update -qq >&2 && fetch; } || { echo "nginx: not to be had from Debian's packages" >&2; exit 3; }
rm -rf "$target"; mkdir -p "$target"
for package in "$packages"/*.deb; do dpkg -x "$package" "$target"; done
"$target/usr/sbin/nginx" -v >&2 || { echo "nginx: the binary does not run here" >&2; exit 3; }
touch "$target/.complete"
