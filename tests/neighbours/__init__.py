"""Other programs that have rules on a node, in network namespaces.

``kube_proxy``, ``cni`` and ``firewalld`` start the real ones; ``foreign`` lists the rules that are
not cnpc's. ``scene`` is the cluster they run in, ``objects`` its manifests, ``policies`` its
policies, ``probes`` the packets and their verdicts; ``admin`` takes snapshots and runs cnpc.
"""
