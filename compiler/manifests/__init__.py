"""Kubernetes manifests to policies and a snapshot, with every error found."""
