"""Programs that share a node with cnpc, in network namespaces: what each does to its rules.

``kube_proxy``, ``cni`` and ``firewalld`` start the real ones; ``foreign`` lists the rules that are
not cnpc's; ``cluster`` and ``probes`` are the cluster they run in, and what is asked of it.
"""
