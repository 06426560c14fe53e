#!/usr/bin/env bash
# install.sh FOLDER [VERSION TORCH]: vLLM for CPU in a virtual environment FOLDER/vllm-VERSION, with the torch it was built
# for; without VERSION those that the tests run. Does nothing where it is there already. Exit 3: the version, or without
# VERSION the newest, cannot be had here (no Python, no compiler, no package index), said on standard error.
set -euo pipefail
folder=$1
if [ $# -eq 1 ]; then
  bash "$0" "$folder" 0.32.0 2.13.0
  bash "$0" "$folder" 0.23.0 2.11.0 || echo "vllm: goes on without 0.23.0" >&2
  exit 0
fi
version=$2 torch=$3
venv="$folder/vllm-$version"
[ -f "$venv/.complete" ] && exit 0
here=$(cd "$(dirname "$0")" && pwd)
recording="$here/../../fixtures/vllm"
unset PYTHONDONTWRITEBYTECODE
command -v python3 >/dev/null || { echo "vllm: no python3" >&2; exit 3; }
command -v gcc >/dev/null || { echo "vllm: no gcc (stub libraries need one)" >&2; exit 3; }
rm -rf "$venv"; mkdir -p "$folder"
if ! bash "$recording/install.sh" "$venv" "$version" "$torch" >&2; then
  echo "vllm: $version could not be installed" >&2
  rm -rf "$venv"
  exit 3
fi
touch "$venv/.complete"
