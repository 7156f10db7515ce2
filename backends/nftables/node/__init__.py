"""nftables on a node: the client, the kernel, the dataplane."""
