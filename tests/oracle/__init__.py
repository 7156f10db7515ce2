"""The meaning of policies as naive loops over the manifests, to hold the compiler against.

Shares no code with the compiler and is written to be read beside the semantics, section by section:
``policies`` (the objects that are read, and what fails closed), ``cluster``, ``selectors`` and
``match`` (who can be selected, what a rule matches), ``tiers`` (the verdict of a new connection),
``special`` (traffic that policies do not judge), ``judge`` (all of it).
"""

from oracle.flow import Decision, Flow, Hop, Judgement, State, Step
from oracle.judge import Oracle

__all__ = ["Decision", "Flow", "Hop", "Judgement", "Oracle", "State", "Step"]
