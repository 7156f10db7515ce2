"""The iptables backend: renders, reads back and lists rulesets."""
