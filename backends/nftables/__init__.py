"""The nftables backend: renders, reads back, compares and plans rulesets."""
