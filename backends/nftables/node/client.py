"""Gives text to nft, by its library or its program, and reads its errors."""

from __future__ import annotations

import ctypes
import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from ....compiler.errors import NodeError
from ...linux import programs

_LONGEST = 1000
_PLACE = re.compile(r"^(?:/dev/stdin|/proc/self/fd/\d+):\d+:\d+(?:-\d+)?: ", re.MULTILINE)

_TOO_LONG = os.strerror(errno.EMSGSIZE)
_LARGER = "the kernel takes more at once with: sysctl -w net.core.wmem_max=67108864"


def refusal(words: str) -> str:
    """Return the words of nft, of which lines it quotes: their numbers are those of no file."""
    text = _PLACE.sub("", words).strip() or "nft refused without a word"
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return f"{text}; {_LARGER}" if _TOO_LONG in text else text


@contextmanager
def as_file(text: str) -> Iterator[str]:
    """Give the name of a file in memory that has the text, which can be opened more than once."""
    with os.fdopen(os.memfd_create("ruleset"), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"


class Nft(Protocol):
    """A way to give text to nft."""

    name: str

    def run(self, text: str, *, check: bool = False, terse: bool = False) -> str:
        """Commit the text in one transaction, or only check it; NodeError if it is refused.

        Returns what the text asks to be listed, with ``terse`` without elements.
        """
        ...


class LibraryNft:
    """libnftables in this process: a commit costs 0.1 ms where an exec of nft costs 2 to 3."""

    name = "libnftables"

    def __init__(self) -> None:
        """Load the library; ImportError without the bindings, OSError without the library."""
        import nftables  # type: ignore[import-untyped]  # noqa: PLC0415 - it ships no types, and only loading needs it

        self._open: Any = nftables.Nftables
        self._library = ctypes.CDLL("libnftables.so.1")
        self._open()

    def run(self, text: str, *, check: bool = False, terse: bool = False) -> str:
        """Commit, check or list; NodeError if it is refused."""
        nft = self._fresh(check=check)
        nft.set_terse_output(terse)
        code, output, message = nft.cmd(text.encode())
        if code != 0:
            raise NodeError(refusal(self._words(text) or message.decode(errors="replace")))
        found: str = output.decode(errors="surrogateescape")  # comments of others may be any bytes
        return found

    def _fresh(self, *, check: bool) -> Any:  # noqa: ANN401 - it ships no types
        """Return a new context."""
        # What one keeps of an earlier text, nft 1.0.6 follows to freed memory when it words a
        # refusal, and aborts the process.
        nft = self._open()
        self._library.nft_ctx_set_dry_run(_context(nft), ctypes.c_bool(check))
        return nft

    def _words(self, text: str) -> str:
        """Return the words for a text that is refused, "" where checking alone finds nothing.

        The library gets it as a file: of a string it quotes the first line, whichever is wrong.
        """
        nft = self._fresh(check=True)
        with as_file(text) as path:
            self._library.nft_run_cmd_from_filename(_context(nft), path.encode())
        words = self._library.nft_ctx_get_error_buffer
        words.restype = ctypes.c_char_p
        return (words(_context(nft)) or b"").decode(errors="replace")


class CommandNft:
    """The program nft, started for each commit."""

    name = "nft"

    def __init__(self) -> None:
        """Find the program; OSError if there is none."""
        if programs.found("nft") is None:
            raise OSError(errno.ENOENT, "there is no nft")

    def run(self, text: str, *, check: bool = False, terse: bool = False) -> str:
        """Commit, check or list; NodeError if it is refused."""
        flags = (["-c"] if check else []) + (["-t"] if terse else [])
        done = programs.run(["nft", *flags, "-f", "-"], text)
        if done.code != 0:
            raise NodeError(refusal(done.err))
        return done.out


class WithoutNft:
    """No way at all, for a node whose rules are those of iptables."""

    name = "none"

    def run(self, text: str, *, check: bool = False, terse: bool = False) -> str:  # noqa: ARG002 - as of Nft
        """Refuse."""
        raise NodeError("nothing is given to nft here")


def open_nft() -> Nft:
    """Return the fastest way there is; NodeError with the remedy if there is none."""
    try:
        return LibraryNft()
    except (ImportError, OSError):
        pass
    try:
        return CommandNft()
    except OSError:
        raise NodeError(
            "neither libnftables nor the program nft is here; install the package nftables"
        ) from None


def _context(nft: Any) -> ctypes.c_void_p:  # noqa: ANN401 - it ships no types
    # The bindings of nft 1.0.6 lack the calls that need it, and keep it to themselves.
    return ctypes.c_void_p(nft._Nftables__ctx)  # noqa: SLF001 - as said above
