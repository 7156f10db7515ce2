#!/usr/bin/env bash
# Write go.mod and go.sum for other versions: update.sh v1.35.4 v3.6.5 (Kubernetes, etcd's server).
# The staging modules of Kubernetes v1.X.Y are released as v0.X.Y; its own go.mod lists them.
set -euo pipefail
cd "$(dirname "$0")"
kubernetes=$1 etcd=$2
own=$(go mod download -json "k8s.io/kubernetes@$kubernetes" | sed -nE 's|^\t"GoMod": "(.*)",$|\1|p')
{
	cat <<-END
		// The programs of a cluster that the tests run beside cnpc; written by update.sh, built by build.sh.
		module cnpc.test/apiserver

		$(grep -E '^go [0-9]' "$own")

		$(grep -E '^godebug ' "$own")

		tool (
			go.etcd.io/etcd/server/v3
			k8s.io/kubernetes/cmd/kube-apiserver
			k8s.io/kubernetes/cmd/kube-proxy
		)

		require (
			go.etcd.io/etcd/server/v3 $etcd
			k8s.io/kubernetes $kubernetes
		)

	END
	echo 'replace ('
	sed -nE "s|^\t(k8s.io/[a-z-]+) => ./staging/.*|\t\1 => \1 v0.${kubernetes#v1.}|p" "$own"
	echo ')'
} >go.mod
go mod tidy
