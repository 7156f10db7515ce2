"""Text to values: manifests become policies and a snapshot, with every error found."""
