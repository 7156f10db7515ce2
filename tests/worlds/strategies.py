"""Worlds as a Hypothesis strategy, and the profiles that say how many are tried.

``CNPC_WORLDS=ci`` asks for thousands of worlds; the default, ``dev``, for as many as one waits for.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from worlds.generate import generate
from worlds.world import SMALL, Profile, World

SEEDS = {"dev": 100, "ci": 1500}
EXAMPLES = {"dev": 20, "ci": 150}


def profile_name() -> str:
    """Return the profile that the environment asks for."""
    name = os.environ.get("CNPC_WORLDS", "dev")
    if name not in SEEDS:
        raise ValueError(f"CNPC_WORLDS is '{name}', not one of {', '.join(SEEDS)}")
    return name


def register_profiles() -> None:
    """Register the profiles with Hypothesis and load the one that the environment asks for."""
    for name, examples in EXAMPLES.items():
        settings.register_profile(
            name,
            max_examples=examples,
            derandomize=True,
            database=None,
            deadline=None,
            print_blob=False,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
    settings.load_profile(profile_name())


def worlds(profile: Profile = SMALL) -> st.SearchStrategy[World]:
    """Return worlds that Hypothesis can shrink."""
    return st.builds(generate, st.randoms(use_true_random=False), st.just(profile))
