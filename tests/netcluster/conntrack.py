"""Empties the connection tracking table by netlink, as ``conntrack -F`` does."""

from __future__ import annotations

import os
import socket
import struct

_NETLINK_NETFILTER = 12  # linux/netlink.h
_CT_DELETE = 1 << 8 | 2  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE
_REQUEST_ACK = 1 | 4  # NLM_F_REQUEST, NLM_F_ACK


def flush_conntrack() -> None:
    """Forget every connection in the namespace of the calling thread; OSError if refused."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER) as netlink:
        # A delete without a tuple is a flush: nlmsghdr, then nfgenmsg of zeros (any family).
        netlink.send(struct.pack("=IHHII", 20, _CT_DELETE, _REQUEST_ACK, 1, 0) + bytes(4))
        reply = netlink.recv(4096)
    error = -struct.unpack_from("=i", reply, 16)[0]
    if error:
        raise OSError(error, f"conntrack flush: {os.strerror(error)}")
