"""
The checks of the conformance kit, in the order in which they run: from what any use needs to what only crowds show.

Each is a coroutine that is given a `Bench` and raises the fault that it finds; its docstring is its claim.
"""

from typing import Final as _Final

from leadflow.testing.checks.commits import COMMITS as _COMMITS
from leadflow.testing.checks.histories import HISTORIES as _HISTORIES
from leadflow.testing.checks.matching import MATCHING as _MATCHING
from leadflow.testing.checks.programs import PROGRAMS as _PROGRAMS
from leadflow.testing.checks.races import RACES as _RACES
from leadflow.testing.checks.receipts import RECEIPTS as _RECEIPTS
from leadflow.testing.checks.registry import Check
from leadflow.testing.checks.roundtrip import ROUND_TRIP as _ROUND_TRIP
from leadflow.testing.checks.tenants import TENANTS as _TENANTS
from leadflow.testing.checks.versions import VERSIONS as _VERSIONS

__all__ = ["CHECKS", "Check"]

CHECKS: _Final[tuple[Check, ...]] = (
    *_ROUND_TRIP,
    *_VERSIONS,
    *_MATCHING,
    *_RECEIPTS,
    *_COMMITS,
    *_HISTORIES,
    *_TENANTS,
    *_RACES,
    *_PROGRAMS,
)
"""Every check."""
