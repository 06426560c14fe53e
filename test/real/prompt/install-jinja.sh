#!/usr/bin/env bash
# install-jinja.sh FOLDER: jinja2 in a virtual environment FOLDER/jinja-VERSIONS, and beside it templates.json: the chat
# templates that two PyPI packages carry, read from their files without running them. Does nothing where it is there
# already. Exit 3: it cannot be had here, said on standard error.
set -euo pipefail
jinja2=3.1.6 unsloth=2026.10.9 llama_cpp=0.3.36
here=$(cd "$(dirname "$0")" && pwd)
target="$1/jinja-$jinja2-$unsloth-$llama_cpp"
echo "$target"
[ -f "$target/.complete" ] && exit 0
command -v python3 >/dev/null || { echo "jinja: no python3" >&2; exit 3; }
rm -rf "$target"; mkdir -p "$target"
install() {
  python3 -m venv "$target/venv"
  "$target/venv/bin/pip" install -q --disable-pip-version-check "jinja2==$jinja2"
  "$target/venv/bin/pip" download -q --disable-pip-version-check --no-deps -d "$target/packages" "unsloth==$unsloth"
  "$target/venv/bin/pip" download -q --disable-pip-version-check --no-deps --no-binary :all: -d "$target/packages" \
    "llama-cpp-python==$llama_cpp"
  "$target/venv/bin/python" "$here/collect_templates.py" "$target/packages" > "$target/templates.json"
  rm -rf "$target/packages"
}
if ! (install) >&2; then
  echo "jinja: jinja2 or the packages with templates could not be had" >&2
  rm -rf "$target"
  exit 3
fi
touch "$target/.complete"
