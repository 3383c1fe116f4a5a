"""
The checks of the conformance kit, in the order in which they run: from what any use needs to what only crowds show.

Each is a coroutine that is given a `Bench` and raises the fault that it finds; its docstring is its claim.
"""

from typing import Final

from leadflow.testing.checks.commits import COMMITS
from leadflow.testing.checks.histories import HISTORIES
from leadflow.testing.checks.matching import MATCHING
from leadflow.testing.checks.races import RACES
from leadflow.testing.checks.receipts import RECEIPTS
from leadflow.testing.checks.registry import Check
from leadflow.testing.checks.roundtrip import ROUND_TRIP
from leadflow.testing.checks.tenants import TENANTS
from leadflow.testing.checks.versions import VERSIONS

__all__ = ["CHECKS", "Check"]

CHECKS: Final[tuple[Check, ...]] = (
    *ROUND_TRIP,
    *VERSIONS,
    *MATCHING,
    *RECEIPTS,
    *COMMITS,
    *HISTORIES,
    *TENANTS,
    *RACES,
)
"""Every check."""
