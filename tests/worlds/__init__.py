"""Random clusters and policies over every field of the three APIs, and the flows that test them.

``generate`` makes a world from any ``random.Random``: a seeded one for thousands of worlds,
Hypothesis' own (``strategies.worlds``) where a failure is to be shrunk. All choices are made so
that smaller draws make simpler worlds.
"""

from worlds.flows import flows
from worlds.generate import generate, seeded
from worlds.shrink import shrink
from worlds.world import LARGE, SMALL, Profile, World

__all__ = ["LARGE", "SMALL", "Profile", "World", "flows", "generate", "seeded", "shrink"]
