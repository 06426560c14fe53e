#!/usr/bin/env bash
# install.sh FOLDER: kube-apiserver, etcd, kubectl and kustomize as one binary FOLDER/testkube-HASH, built from ./testkube
# (about 7 minutes cold); FOLDER/testkube links to it. Exit 3: it cannot be had here, said on standard error.
set -euo pipefail
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
hash=$(cat "$here/testkube/main.go" "$here/testkube/go.sum" | sha256sum | cut -c1-16)
binary="$folder/testkube-$hash"
mkdir -p "$folder"
if [ ! -x "$binary" ]; then
  command -v go >/dev/null || { echo "kubernetes: no go toolchain" >&2; exit 3; }
  version=v1.36.3
  base=k8s.io/component-base/version
  echo "kubernetes: building kube-apiserver $version, about 7 minutes …" >&2
  (cd "$here/testkube" && go build -trimpath -o "$binary.new" \
    -ldflags "-s -w -X $base.gitVersion=$version -X $base.gitMajor=1 -X $base.gitMinor=36" .) >&2 ||
    { echo "kubernetes: kube-apiserver could not be built" >&2; exit 3; }
  mv "$binary.new" "$binary"
fi
ln -sfn "$(basename "$binary")" "$folder/testkube"
