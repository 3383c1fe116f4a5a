"""
Versions of the dict form, and how old dicts are lifted to today's.

Theory. The version in an envelope is that of the whole form: of the value and of all that is in it. When a class
changes so that its old dicts no longer say what they said, the form gets a new version and the class an upcaster, which
makes of its dict in one version what it is in the next. The parts of a dict are lifted each by itself, wherever they
stand; an upcaster hands them on as they are. A class that did not change needs none.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from leadflow.codec.kinds import KINDS
from leadflow.codec.scalars import Outside, refused
from leadflow.errors import Problem, did_you_mean
from leadflow.validation import shown

__all__ = ["UPCASTERS", "Upcaster", "Upcasters", "lift", "newest", "upcaster_problems"]

Upcaster: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
"""Returns a dict of a kind, one version on; the one it gets is a copy, its to change."""

Upcasters: TypeAlias = Mapping[tuple[str, int], Upcaster]
"""Upcasters by the name of the kind and the version that they lift from."""

UPCASTERS: Final[Upcasters] = MappingProxyType({})
"""leadflow's own: none, since the form is in its first version."""


def newest(upcasters: Upcasters) -> int:
    """Return the version that the upcasters lead to."""
    return 1 + max((version for _, version in upcasters), default=0)


def lift(upcasters: Upcasters, version: int, name: str, plain: Outside) -> Outside:
    """Return the dict of a kind of a version as it is in the newest; what is no dict is left to its reader."""
    for step in range(version, newest(upcasters)):
        upcaster = upcasters.get((name, step))
        if upcaster is None or not isinstance(plain, dict):
            continue
        try:
            plain = upcaster(_apart(plain))
        except Exception as error:  # noqa: BLE001 - whatever the function stumbles over, the dict is not of its version
            raise refused(f"cannot be lifted from version {step} ({type(error).__name__}: {error})") from None
    return plain


def _apart(plain: Outside) -> Outside:
    """Return a copy that shares no dict and no list, so that the caller's own stays as it is whatever is done to it."""
    if isinstance(plain, dict):
        return {key: _apart(part) for key, part in plain.items()}
    return [_apart(part) for part in plain] if isinstance(plain, list) else plain


def upcaster_problems(upcasters: object) -> list[Problem | None]:
    """Say what is wrong with a table of upcasters."""
    if not isinstance(upcasters, Mapping):
        rule = "must be a mapping from (name of a kind, version) to functions"
        return [Problem("upcasters", f"{rule}, got {shown(upcasters)}", is_type=True)]
    problems: list[Problem | None] = []
    for key, function in upcasters.items():
        path = f"upcasters[{shown(key)}]"
        match key:
            case (str(name), int(version)) if not isinstance(version, bool):
                if name not in KINDS:
                    problems.append(Problem(path, f"must name a kind, got {name!r}{did_you_mean(name, KINDS)}"))
                if version < 1:
                    problems.append(Problem(path, f"must lift from version 1 or later, got {shown(version)}"))
            case _:
                problems.append(Problem(path, "must be a pair of a kind's name and a version", is_type=True))
        if not callable(function):
            problems.append(Problem(path, f"must be a function, got {shown(function)}", is_type=True))
    return problems
