"""Rewrites a Program into what iptables can express."""
