"""The same work for many nodes, by processes forked from one that has read everything.

A forked process shares the memory of its parent until one of them writes there, so that policies,
snapshot and whatever the first node's compilation computed for all are there once.
"""

from __future__ import annotations

import enum
import gc
import signal
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Any, TypeVar

from ..errors import CnpcError, NodeError

T = TypeVar("T")


class _Stop(enum.Enum):
    """What a worker sends when all of its nodes are done."""

    DONE = enum.auto()


def in_parallel(work: Callable[[str], T], nodes: Sequence[str], jobs: int) -> Iterator[T]:
    """Yield what the work returns for each node as it is done, in any order.

    An error of a worker ends all and is raised here; NodeError if the system ended one.
    """
    yield work(nodes[0])  # what nodes have in common is computed here, once
    gc.freeze()  # else each worker's collector would write into every page
    workers = dict([_start(work, nodes[1 + number :: jobs]) for number in range(jobs)])
    try:
        yield from _results(workers)
    finally:
        for process in workers.values():
            process.kill()
            process.join()


def _start(work: Callable[[str], T], nodes: Sequence[str]) -> tuple[Connection, ForkProcess]:
    """Return where the results of a new worker arrive, and the worker."""
    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(work, nodes, sender), daemon=True)
    process.start()
    sender.close()  # the worker has the only other end: that it ended can be read here
    return receiver, process


def _serve(work: Callable[[str], T], nodes: Sequence[str], sender: Connection) -> None:
    """Send the result for each node, or the error that ends the work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with suppress(BrokenPipeError):  # the parent is gone
        try:
            for node in nodes:
                sender.send(work(node))
        except CnpcError as problem:
            sender.send(problem)
        except Exception as problem:  # noqa: BLE001 - a bug, which the parent raises
            problem.add_note(traceback.format_exc())
            sender.send(problem)
        else:
            sender.send(_Stop.DONE)


def _results(workers: Mapping[Connection, ForkProcess]) -> Iterator[Any]:
    waiting = set(workers)
    while waiting:
        for receiver in waiting.intersection(wait(list(waiting))):
            result = _receive(receiver, workers[receiver])
            if result is _Stop.DONE:
                waiting.remove(receiver)
            elif isinstance(result, Exception):
                raise result
            else:
                yield result


def _receive(receiver: Connection, process: ForkProcess) -> object:
    """Return a result, an error or the end; NodeError if the worker is gone without a word."""
    try:
        return receiver.recv()
    except EOFError:
        process.join()
        raise NodeError(
            f"a worker process was ended by signal {-(process.exitcode or 0)}; "
            "if memory was short, -j 1 takes least"
        ) from None
