#!/usr/bin/env bash
# Build kube-apiserver, etcd and kube-proxy, and fetch the CRDs, into a cache outside the checkout.
# `build.sh --where` prints the directory alone. Takes 11 minutes of CPU once, and 2 GB of Go's cache.
set -euo pipefail
cd "$(dirname "$0")/module"

PROGRAMS=(k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-proxy go.etcd.io/etcd/server/v3)
# Not in go.mod: it would raise the versions of what Kubernetes is built from.
CRDS=sigs.k8s.io/network-policy-api@v0.3.0
CRDS_SUM=h1:RL6fVXiix9IW1pj0ImkW645m+EWmb3dBGCiW19bg5+k=

where=${XDG_CACHE_HOME:-$HOME/.cache}/cnpc/apiserver-$(cat go.mod ../build.sh | sha256sum | cut -c1-12)
if [[ ${1:-} == --where ]]; then
	echo "$where"
	exit
fi

leave_out() {
	echo "make apiserver: left out: $1" >&2
	if [[ ${CNPC_REQUIRE_PACKETS:-} == 1 ]]; then exit 1; fi
	exit 0
}

mkdir -p "${where%/*}"
exec 9>"$where.lock"
flock 9
if [[ -d $where ]]; then
	echo "built already: $where"
	exit
fi
command -v go >/dev/null || leave_out 'there is no Go (1.21 or newer fetches the one it needs)'

export CGO_ENABLED=0 GOWORK=off
new=$(mktemp -d "$where.XXXXXX")
trap 'rm -rf "$new"' EXIT

go mod download 2>"$new/said" || leave_out "the modules cannot be had: $(tail -n 1 "$new/said")"
crds=$(go mod download -json "$CRDS" 2>"$new/said") ||
	leave_out "the CRDs cannot be had: $(tail -n 1 "$new/said")"
field() { sed -nE "s|^\t\"$1\": \"(.*)\",?$|\1|p" <<<"$crds"; }
if [[ $(field Sum) != "$CRDS_SUM" ]]; then
	echo "make apiserver: $CRDS is not what it was: $(field Sum)" >&2
	exit 1
fi
for channel in standard experimental; do
	install -Dm644 "$(field Dir)/config/crd/$channel/policy.networking.k8s.io_clusternetworkpolicies.yaml" \
		"$new/crds/$channel.yaml"
done

# As Kubernetes' own build stamps it; clients read the version at /version.
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
IFS=. read -r major minor _ <<<"${version#v}"
stamp=k8s.io/component-base/version.git
echo "building $version into $where"
go build -trimpath -o "$new/" \
	-ldflags "-s -w -X ${stamp}Version=$version -X ${stamp}Major=$major -X ${stamp}Minor=$minor" \
	"${PROGRAMS[@]}"
mv "$new/server" "$new/etcd"
rm "$new/said"
chmod 755 "$new"
mv "$new" "$where"
