#!/usr/bin/env bash
# install.sh FOLDER: the Python packages that prompts are compared with, in a virtual environment keyed by their versions;
# does nothing where it is there already. Exit 3: they cannot be had here, said on standard error.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv="$1/prompt-$(cksum < "$here/requirements.txt" | cut -d' ' -f1)"
[ -f "$venv/.complete" ] && exit 0
command -v python3 >/dev/null || { echo "prompt: no python3" >&2; exit 3; }
rm -rf "$venv"; mkdir -p "$1"
if ! { python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt"; } >&2; then
  echo "prompt: the Python packages could not be installed" >&2
  rm -rf "$venv"
  exit 3
fi
touch "$venv/.complete"
