"""The pass that replaces rules by maps from peers to verdicts."""
