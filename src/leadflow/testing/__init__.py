"""
For hosts' own tests: does your store do what the port owes?

`check_store` (and `check_async_store`) answers with a `Report` and needs no test library; `leadflow.testing.suites` has
the same as classes for pytest, a test per check. `builders` makes records of every kind with sane values, `strategies`
draws them with Hypothesis.
"""

from leadflow.testing.checks import CHECKS, Check
from leadflow.testing.conformance import check_async_store, check_store
from leadflow.testing.hosts import Capability, is_write
from leadflow.testing.reporting import CheckResult, Outcome, Report

__all__ = [
    "CHECKS",
    "Capability",
    "Check",
    "CheckResult",
    "Outcome",
    "Report",
    "check_async_store",
    "check_store",
    "is_write",
]
