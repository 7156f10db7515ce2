"""Installs a ruleset on a node, records versions, and goes back to them."""
