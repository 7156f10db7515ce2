"""Policy manifests to policies: the kinds, their peers and their ports."""
