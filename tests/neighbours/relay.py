"""Lets programs in a network namespace reach a port of this one's loopback."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

from netcluster import Namespace


class Relay:
    """Listens on 127.0.0.1 in the namespace, on the port that it leads to out here."""

    def __init__(self, space: Namespace, port: int) -> None:
        self._port = port
        self._open: list[socket.socket] = []
        with space.entered():  # a socket stays in the namespace in which it was made
            self._listener = socket.create_server(("127.0.0.1", port))
        self._threads: list[Thread] = []
        self._start(self._serve)

    def close(self) -> None:
        """Close the port and all connections."""
        for item in (self._listener, *self._open):
            with suppress(OSError):
                item.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for item in (self._listener, *self._open):
            item.close()

    def _start(self, target: Callable[..., None], *arguments: socket.socket) -> None:
        thread = Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        while True:
            try:
                inner, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(inner)
            with suppress(OSError):  # the server is away: the program sees its connection close
                outer = socket.create_connection(("127.0.0.1", self._port))
                self._open.append(outer)
                self._start(_copy, inner, outer)
                self._start(_copy, outer, inner)
                continue
            inner.shutdown(socket.SHUT_RDWR)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
