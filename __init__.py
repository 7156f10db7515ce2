"""cnpc, the ClusterNetworkPolicy compiler: Kubernetes network policy to packet filters."""

__version__ = "0.1.0"
