"""
What a check is: a name, a claim in one sentence, the capabilities that it needs, and a coroutine that tries it.

The name and the claim are those of the function; docs/reference/conformance.md lists them.
"""

from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from inspect import getdoc

from attrs import field, frozen

from leadflow.testing.hosts import Capability
from leadflow.testing.running import Bench

__all__ = ["Check", "proves"]


@frozen
class Check:
    """
    One thing that a store owes.

    Attributes:
        name: What the report calls it.
        claim: What a store that passes does, in one sentence.
        needs: The capabilities without which it is skipped.
        libraries: What must be installed to run it.
        run: Tries it, and raises the fault if there is one.
    """

    name: str
    claim: str
    needs: tuple[Capability, ...]
    run: Callable[[Bench], Awaitable[None]] = field(eq=False, repr=False)
    libraries: tuple[str, ...] = ()

    def unavailable(self) -> str:
        """Say why it cannot run here, if so: a library that is not installed."""
        return next((f"needs {name}, which is not installed" for name in self.libraries if find_spec(name) is None), "")

    def __str__(self) -> str:
        return self.name


def proves(
    *needs: Capability, libraries: tuple[str, ...] = ()
) -> Callable[[Callable[[Bench], Awaitable[None]]], Check]:
    """Make a check of a function: its name, its docstring's first line, what it needs."""

    def make(function: Callable[[Bench], Awaitable[None]]) -> Check:
        claim = (getdoc(function) or "").splitlines()[0]
        return Check(function.__name__, claim, needs, function, libraries)

    return make
