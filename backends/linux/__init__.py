"""The Linux kernel: netlink, connection tracking, and what a node lacks."""
