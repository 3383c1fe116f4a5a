"""The kit proves itself: each deliberately broken store is caught by the check that names its fault."""

import pytest

from leadflow.testing import CHECKS, Outcome, check_store

from .broken_stores import CAUGHT
from .tables import HOOKS


@pytest.mark.parametrize(("store", "check", "words"), CAUGHT, ids=lambda value: getattr(value, "__name__", None))
class TestEveryFault:
    """A store with one fault fails the check that is about it, and the report says what the fault is."""

    def test_is_named(self, store, check, words):
        """By the check and in words; and the store that it derives from passes, so that the fault alone fails it."""
        (result,) = check_store(store, only=[check], **HOOKS).results
        assert (result.name, result.outcome) == (check, Outcome.FAILED)
        assert words in result.why


def test_every_check_catches_something():
    """A check that no broken store fails proves nothing."""
    assert {check.name for check in CHECKS} - {check for _, check, _ in CAUGHT} == set()
