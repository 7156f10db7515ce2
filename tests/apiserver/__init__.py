"""A real Kubernetes API server for tests: kube-apiserver and etcd on loopback.

with ApiServer(folder) as server:
    server.install_crds()
    client = server.client()
    client.create(pod)  # its status too
    client.get_list("Pod")

`make apiserver` builds the programs; ``missing`` says why they are not there.
"""

from .client import ApiError, Client
from .process import Process, ProcessError, free_port
from .programs import missing, program
from .server import ADMIN, ApiServer

__all__ = [
    "ADMIN",
    "ApiError",
    "ApiServer",
    "Client",
    "Process",
    "ProcessError",
    "free_port",
    "missing",
    "program",
]
