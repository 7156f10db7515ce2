"""The reader's errors: always an InputError with line and column, whatever the text."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from cnpc.compiler.errors import InputError, Span
from cnpc.compiler.ir.parser import parse_program
from cnpc.compiler.ir.printer import print_program
from cnpc.compiler.ir.program import Program
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import seeded

HEAD = 'program "n"\n\n'
CHAIN = HEAD + "chain a {\n  %s\n}\n"
SET = HEAD + "set s %s {\n  %s\n}\n"


def fault(text: str) -> tuple[str, str]:
    """Return the place and the message of the only error."""
    with pytest.raises(InputError) as caught:
        parse_program(text, "x.ir")
    [diagnostic] = caught.value.diagnostics
    assert isinstance(diagnostic.span, Span)
    assert diagnostic.span.file == "x.ir"
    return f"{diagnostic.span.line}:{diagnostic.span.column}", diagnostic.message


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "1:1", "this cannot stand here"),
        ("\0", "1:1", "this cannot stand here"),
        ("program\n", "1:8", "this cannot stand here"),
        ('program "n"', "1:9", "this cannot stand here"),
        ('program "n"\r\n', "1:12", "this cannot stand here"),
        ('program "a\nb"\n', "1:9", "this cannot stand here"),
        (r'program "\q"' + "\n", "1:9", "this cannot stand here"),
        (r'program "\u12"' + "\n", "1:9", "this cannot stand here"),
        (HEAD + "chain a {\n  drop\n", "4:7", "this cannot stand here"),
        (HEAD + "chain a-b {\n}\n", "3:8", "this cannot stand here"),
        (HEAD + "chain a hook output {\n}\n", "3:14", "'output' is not one of forward, input"),
        (CHAIN % "tcp 80", "4:9", "this cannot stand here"),
        (CHAIN % "tcp 80,http drop", "4:10", "'http' is not a number"),
        (CHAIN % "tcp 9999999999 drop", "4:7", "'9999999999' is not a number"),
        (CHAIN % "tcp 1-2-3 drop", "4:10", "this cannot stand here"),
        (CHAIN % "saddr 10.0.0.256 drop", "4:9", "'10.0.0.256' is not an address"),
        (CHAIN % "saddr 10.0.0.1-::1 drop", "4:18", "'::1' is not an IPv4 address"),
        (CHAIN % "saddr ::1,10.0.0.1 drop", "4:13", "'10.0.0.1' is not an IPv6 address"),
        (CHAIN % "dport 80 drop", "4:3", "'dport' is not one of saddr, daddr"),
        (
            CHAIN % "protocol tcp,gre drop",
            "4:16",
            "'gre' is not one of icmp, tcp, udp, icmpv6, sctp",
        ),
        (
            CHAIN % "state newish drop",
            "4:9",
            "'newish' is not one of new, established, related, invalid, untracked",
        ),
        (
            CHAIN % "sport @s drop",
            "4:3",
            "'sport' is not one of saddr, daddr, protocol, dport",
        ),
        (CHAIN % "dropp", "4:8", "this cannot stand here"),
        (CHAIN % "drop accept", "4:8", "this cannot stand here"),
        (CHAIN % "drop ; Admin p ingress 0 x", "4:16", "this cannot stand here"),
        (CHAIN % 'drop ; Admin "p" ingress x ""', "4:28", "'x' is not a number"),
        (SET % ("ipv5 address", "::"), "3:7", "'ipv5' is not one of ipv4, ipv6"),
        (SET % ("ipv4 adress", "::"), "3:12", "'adress' is not one of address, protocol, port"),
        (SET % ("ipv4 address", "::1"), "4:3", "'::1' is not an IPv4 address"),
        (
            SET % ("ipv4 address . port", "10.0.0.1"),
            "4:3",
            "'10.0.0.1' is not the start of a key of 2 parts",
        ),
        (
            SET % ("ipv4 address", "10.0.0.1 . 80"),
            "4:3",
            "'10.0.0.1' is not the start of a key of 1 parts",
        ),
        (SET % ("ipv4 protocol", "ggp"), "4:3", "'ggp' is not a number"),
        (
            HEAD + "map m ipv4 address {\n  10.0.0.1 : reject\n}\n",
            "4:14",
            "this cannot stand here",
        ),
    ],
)
def test_errors_say_where_and_what(text: str, place: str, message: str) -> None:
    assert fault(text) == (place, message)


def test_empty_lines_and_indentation_are_free() -> None:
    text = HEAD + "\n   \nchain a {\n\n drop\n      return\n \n}\n  \nchain b {\n  \n}\n"
    printed = print_program(parse_program(text))
    assert printed == HEAD + "chain a {\n  drop\n  return\n}\n\nchain b {\n}\n"


def broken(text: str, seed: int) -> Iterator[str]:
    """Give the text with one character or line lost, doubled or replaced."""
    chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
    for _ in range(30):
        place = chance.randrange(len(text))
        wrong = chance.choice('\0"\\\n .:;-@{},9aé')
        yield text[:place] + text[place + 1 :]
        yield text[:place] + wrong + text[place:]
        yield text[:place] + wrong + text[place + 1 :]
        yield text[:place]
        lines = text.splitlines(keepends=True)
        line = chance.randrange(len(lines))
        yield "".join((*lines[:line], *lines[line + 1 :]))
        yield "".join((*lines[:line], lines[line], *lines[line:]))


@pytest.mark.parametrize("seed", range(12))
def test_broken_text_is_an_error_with_a_place(seed: int) -> None:
    for text in broken(print_program(seeded(seed)), seed):
        _reads_or_points_into(text)


WORDS = st.sampled_from(
    (
        *("program", '"n"', "\n", "set", "map", "chain", "s", "ipv4", "address", ".", "port", "{"),
        *("}", "tcp", "any", "80", "10.0.0.1", "-", ",", "@", ":", "drop", "jump", "lookup", "in"),
        *(";", "dynamic", "hook", "protocol", "state", "new", "icmp6-type", "saddr", "::1", '"'),
    )
)


@given(words=st.lists(WORDS, max_size=15))
@settings(max_examples=150, deadline=None, derandomize=True, database=None)
def test_any_words_are_a_program_or_an_error(words: list[str]) -> None:
    _reads_or_points_into(" ".join(['program "n" \n', *words, "\n"]))


@given(text=st.text(max_size=30))
@settings(max_examples=50, deadline=None, derandomize=True, database=None)
def test_any_text_is_an_error_with_a_place(text: str) -> None:
    _reads_or_points_into(text)


def _reads_or_points_into(text: str) -> None:
    try:
        found = parse_program(text)
    except InputError as problem:
        [diagnostic] = problem.diagnostics
        assert isinstance(diagnostic.span, Span)
        assert 1 <= diagnostic.span.line <= text.count("\n") + 1
        line = text.split("\n")[diagnostic.span.line - 1]
        assert 1 <= diagnostic.span.column <= len(line) + 1
        assert diagnostic.message
    else:
        assert isinstance(found, Program)
        assert parse_program(print_program(found)) == found
