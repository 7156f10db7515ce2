"""The demonstration: compiles the user stories and holds what comes out against what must.

Run it with ``make demo``. The rulesets stay in out/demo/ to be read. Ends with 1 if any flow gets
another verdict than its story expects.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import netcluster
from cnpc.compiler.manifests.load import load
from expectations import CLUSTER, Expectation, Story, load_stories
from netcluster import Cluster
from verdicts import Places, evaluated, observed

ROOT = Path(__file__).parents[1]
OUTPUT = Path("out/demo")
_HEADINGS = ("from", "to", "flow", "expected", "compiled", "observed", "because")


def main() -> int:
    """Show every story and return the exit code."""
    stories, reason = load_stories(), netcluster.missing()
    places = Places(load([str(CLUSTER)]).snapshot)
    with _cluster(places, reason) as cluster:
        wrong = sum([_show(story, places, cluster) for story in stories])
    flows = [flow for story in stories for flow in story.expectations]
    packets = sum(len(list(places.probes(flow))) for flow in flows)
    if wrong:
        click.echo(f"{wrong} of {len(flows)} flows are not as their story expects.")
        return 1
    if reason:
        click.echo(f"All {len(flows)} flows get the expected verdict from the compiled programs.")
        click.echo(f"Left out: the same by packets, in network namespaces ({reason}).")
    else:
        click.echo(f"All {len(flows)} flows get the expected verdict, from the compiled programs")
        click.echo(f"and, tried with {packets} packets over IPv4 and IPv6, from the kernel.")
    return 0


@contextmanager
def _cluster(places: Places, reason: str) -> Iterator[Cluster | None]:
    if reason:
        yield None
        return
    with Cluster(places.topology) as cluster:
        yield cluster


def _show(story: Story, places: Places, cluster: Cluster | None) -> int:
    """Print one story: what was made of it, and its flows; return how many differ."""
    target = OUTPUT / story.name
    click.secho(f"{story.title}\n", bold=True)
    _compile(story, target)
    flows = story.expectations
    columns = [evaluated((CLUSTER, story.folder), flows)]
    if cluster:
        cluster.clear()
        for ruleset in sorted((ROOT / target).glob("*.nft")):
            cluster.load(ruleset.stem, ruleset.read_text(encoding="utf-8"))
        columns.append(observed(cluster, places, flows))
    return _table(flows, list(zip(*columns, strict=True)))


def _compile(story: Story, target: Path) -> None:
    """Run the command as a user would, and print it with what it says."""
    inputs = [str(path.relative_to(ROOT)) for path in (CLUSTER, story.folder)]
    arguments = ["cnpc", "compile", *inputs, "-o", str(target)]
    click.echo(f"$ {' '.join(arguments)}")
    program = shutil.which("cnpc", path=str(Path(sys.executable).parent))
    if program is None:
        raise SystemExit("cnpc is not installed beside this Python; `make demo` sees to it")
    shutil.rmtree(ROOT / target, ignore_errors=True)
    done = subprocess.run(
        [program, *arguments[1:], "--summary", "table"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    click.echo(done.stderr)
    if done.returncode:
        raise SystemExit(f"cnpc ended with {done.returncode}")


def _table(flows: Sequence[Expectation], verdicts: Sequence[Sequence[str]]) -> int:
    """Print expected, compiled and, where there are any, observed verdicts; count what differs."""
    rows = [
        (flow.source, flow.destination, flow.flow, _word(flow), *words, flow.because)
        for flow, words in zip(flows, verdicts, strict=True)
    ]
    differ = [set(words) != {_word(flow)} for flow, words in zip(flows, verdicts, strict=True)]
    count = len(rows[0])
    headings = (*_HEADINGS[: count - 1], _HEADINGS[-1])
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    for row, differs in zip((headings, *rows), (False, *differ), strict=True):
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        click.echo(f"{line}  <-- differs" if differs else line.rstrip())
    click.echo()
    return sum(differ)


def _word(flow: Expectation) -> str:
    return "allow" if flow.allowed else "deny"


if __name__ == "__main__":
    sys.exit(main())
