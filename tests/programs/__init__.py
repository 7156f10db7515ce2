"""Random valid Programs over everything that the IR can say, and the packets that tell them apart.

``generate`` makes a Program from any ``random.Random``: a seeded one for many Programs, Hypothesis'
own (``programs``) where a failure is to be shrunk.
"""

from cnpc.compiler.ir.program import Program
from hypothesis import strategies as st

from programs.generate import ANY_SHAPE, Shape, generate, seeded
from programs.packets import packets

__all__ = ["Shape", "generate", "packets", "programs", "seeded"]


def programs(shape: Shape = ANY_SHAPE) -> st.SearchStrategy[Program]:
    """Return Programs that Hypothesis can shrink."""
    return st.builds(generate, st.randoms(use_true_random=False), st.just(shape))
