"""The commands on a node, one file each, and what they share."""
