"""iptables on a node: its tools, what they list, the dataplane."""
