"""
Checks on values, each returning a `Problem` or nothing.

Theory. A type's ``__attrs_post_init__`` hands the outcome of one check per field to `check`, which raises one error
with every problem. Checks never raise, never convert and never truncate. Shape of use::

    def __attrs_post_init__(self) -> None:
        check("Person", text("name", self.name), optional(text, "phone", self.phone))

Only the host's mistakes come here: what the rules of selling refuse is a `Refusal` or a `NotAllowedError`.

Nearly every value is right, and most of creating one is checks; so a check does no work for a message before something
is wrong. Types are told apart by tuples of types: ``int | float`` makes an object at each call (0.13 us against 0.05).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timezone
from enum import StrEnum
from sys import float_info
from typing import Any, TypeVar, overload

from leadflow.errors import InvalidError, InvalidTypeError, Problem, did_you_mean

__all__ = [
    "MAX_CODE",
    "MAX_TEXT",
    "MAX_WHOLE",
    "aware",
    "built",
    "check",
    "code",
    "coded",
    "day",
    "each",
    "finite",
    "instance",
    "invalid",
    "member",
    "optional",
    "probability",
    "prose",
    "shown",
    "text",
    "to_instant",
    "to_instant_or_none",
    "to_set",
    "to_tuple",
    "unique",
    "when",
    "whole",
    "words",
]

# Longest name-like text. Names of people and firms in public registers stay well under 300 characters.
MAX_TEXT = 500
# Longest id or code: what common databases index without tricks (a MySQL utf8mb4 key holds 191-255).
MAX_CODE = 191
# Longest free text (notes, evidence): a long e-mail; more belongs in a document store.
MAX_PROSE = 100_000

# Largest whole number: what eight bytes hold, as integers of databases do. No count of ours comes near.
MAX_WHOLE = 2**63 - 1

# No part of any text: controls other than tabs and line breaks, and halves of surrogate pairs.
# Compiled when the first text of several lines comes: sets that reach beyond Latin-1 cost 2 ms of every import.
_CONTROL = r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]"

_Built = TypeVar("_Built")
_Item = TypeVar("_Item")
_Choice = TypeVar("_Choice", bound=StrEnum)


def check(subject: str, /, *problems: Problem | None) -> None:
    """
    Raise one error that names all the problems, if there are any.

    Raises:
        InvalidError: If a problem was found; an `InvalidTypeError` when one of them is about a type.
    """
    if any(problems):
        raise invalid(subject, *problems)


def built(subject: str, make: Callable[[], _Built], /, *problems: Problem | None) -> _Built:
    """
    Build a value and report what is wrong with its input together with the problems found before.

    What was found before says it better: a second problem in the same place is left out.

    Raises:
        InvalidError: With the problems given and those that building it finds.
    """
    try:
        value = make()
    except InvalidError as error:
        known = {problem.path for problem in problems if problem is not None}
        raise invalid(subject, *problems, *(new for new in error.problems if new.path not in known)) from None
    check(subject, *problems)
    return value


def invalid(subject: str, /, *problems: Problem | None) -> InvalidError:
    """Return the error that `check` would raise, for code that has already found a problem."""
    found = tuple(problem for problem in problems if problem is not None)
    kind = InvalidTypeError if any(problem.is_type for problem in found) else InvalidError
    return kind(subject, found)


def shown(value: object) -> str:
    """
    Return how a refused value is quoted in a message: so that it can be recognised, not reprinted whole.

    >>> len(shown("x" * 1_000_000))
    144
    """
    try:
        quoted = repr(value)
    except Exception:  # noqa: BLE001  # ints beyond 4300 digits, a host's broken repr: the problem matters more
        return f"a value of type {type(value).__name__}"
    if len(quoted) <= 200:  # noqa: PLR2004 - a line or two of a log
        return quoted
    # Of a text its own length is told, which is what a limit is about; the quotes are ours.
    return f"{quoted[:120]}... ({len(value) if isinstance(value, str) else len(quoted)} characters)"


def _must(path: str, rule: str, value: object, *, is_type: bool = False) -> Problem:
    return Problem(path, f"must be {rule}, got {shown(value)}", is_type)


def instance(path: str, value: object, kind: type | tuple[type, ...], rule: str) -> Problem | None:
    """Check that the value is of a type; `rule` says which in words, e.g. ``a Person``."""
    return None if isinstance(value, kind) else _must(path, rule, value, is_type=True)


def text(path: str, value: object, longest: int = MAX_TEXT) -> Problem | None:
    """Check for one line of text with something in it."""
    if not isinstance(value, str):
        return _must(path, "text (str)", value, is_type=True)
    if not value or value.isspace():
        return _must(path, "text with something in it", value)
    if len(value) > longest:
        return _must(path, f"at most {longest} characters", value)
    return None if value.isprintable() else _unprintable(path, value)


def _unprintable(path: str, value: str) -> Problem | None:
    # isprintable() also refuses joiners and non-breaking spaces that real names contain; only controls are wrong.
    if any(ord(char) < 32 or 127 <= ord(char) < 160 or 0xD800 <= ord(char) < 0xE000 for char in value):  # noqa: PLR2004
        return _must(path, "one line without control characters", value)
    # Spaces and invisible formatting alone are nothing; letters that this Python does not know yet are something.
    from unicodedata import category  # noqa: PLC0415 - for the rare text that is not plainly printable

    if all(category(char) in {"Cf", "Zs", "Zl", "Zp"} for char in value):
        return _must(path, "text with something in it", value)
    return None


def prose(path: str, value: object) -> Problem | None:
    """Check for free text: may be empty, may have many lines; what databases and UTF-8 cannot hold is refused."""
    if not isinstance(value, str):
        return _must(path, "text (str)", value, is_type=True)
    if len(value) > MAX_PROSE:
        return _must(path, f"at most {MAX_PROSE} characters", value)
    if value.isprintable() or not re.search(_CONTROL, value):
        return None
    return _must(path, "text without control characters", value)


def words(path: str, value: object) -> Problem | None:
    """Check for free text with something in it, such as what somebody said."""
    if isinstance(value, str) and not value.strip():
        return _must(path, "text with something in it", value)
    return prose(path, value)


def code(path: str, value: object) -> Problem | None:
    """Check for an id or code: non-empty, at most 191 characters, no white space around it, no control characters."""
    if not isinstance(value, str):
        return _must(path, "a str", value, is_type=True)
    # The one white space that counts as printable is the plain space.
    if value and len(value) <= MAX_CODE and value.isprintable() and " " not in (value[0], value[-1]):
        return None
    return _must(path, f"1 to {MAX_CODE} printable characters without white space around them", value)


def aware(path: str, value: object) -> Problem | None:
    """Check for a datetime that knows its offset from UTC."""
    if not isinstance(value, datetime):
        return _must(path, "a timezone-aware datetime", value, is_type=True)
    try:
        return None if value.utcoffset() is not None else _must(path, "timezone-aware", value)
    except Exception:  # noqa: BLE001  # pandas' NaT is a datetime that raises whatever it is asked; so may a host's zone
        return _must(path, "a timezone-aware datetime", value)


def day(path: str, value: object) -> Problem | None:
    """Check for a calendar day; a datetime is refused because its day depends on a time zone."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return None
    return _must(path, "a date without a time", value, is_type=True)


def whole(path: str, value: object, least: int = 0) -> Problem | None:
    """Check for an int of at least `least` that a database can hold; True and 3.0 are not ints here."""
    if not isinstance(value, int) or isinstance(value, bool):
        return _must(path, "a whole number (int)", value, is_type=True)
    if value > MAX_WHOLE:
        return _must(path, f"at most {MAX_WHOLE}", value)
    return None if value >= least else _must(path, f"at least {least}", value)


def finite(path: str, value: object) -> Problem | None:
    """Check for a float or int that is neither infinite nor NaN."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return _must(path, "a number (int or float)", value, is_type=True)
    # An int beyond the largest float is no number to calculate with either.
    return None if -float_info.max <= value <= float_info.max else _must(path, "finite", value)


def probability(path: str, value: object) -> Problem | None:
    """Check for a float or int in [0, 1]; NaN is refused."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return _must(path, "a probability (float) in [0, 1]", value, is_type=True)
    return None if 0 <= value <= 1 else _must(path, "a probability in [0, 1]", value)


def optional(rule: Callable[..., Problem | None], path: str, value: object, *more: Any) -> Problem | None:  # noqa: ANN401
    """
    Apply a check unless the value is None.

    The types that a captured lead is made of ask for None in place instead (``None if x is None else text("x", x)``):
    25 ns each, 7 % of a capture.
    """
    if value is None:
        return None
    # A call with a star takes twice as long as one without.
    return rule(path, value, *more) if more else rule(path, value)


def each(path: str, values: object, rule: Callable[..., Problem | None], *more: Any) -> list[Problem | None]:  # noqa: ANN401
    """Apply a check to every item of a tuple or frozenset; unpack the outcome: ``check("X", *each("tags", ...))``."""
    if not isinstance(values, (tuple, frozenset)):
        return [_must(path, "a tuple (or frozenset) of values", values, is_type=True)]
    if not values:
        return []
    return [rule(f"{path}[{position}]", value, *more) for position, value in enumerate(values)]


def unique(path: str, keys: Iterable[object]) -> Problem | None:
    """Check that no key comes twice."""
    seen: set[object] = set()
    for key in keys:
        if key in seen:
            return Problem(path, f"must not repeat, got {shown(key)} twice")
        seen.add(key)
    return None


def when(condition: object, path: str, message: str) -> Problem | None:
    """Return the problem if the condition (of something being wrong) holds."""
    return Problem(path, message) if condition else None


def coded(path: str, value: object, known: Iterable[str]) -> Problem | None:
    """Check that a code is one of the known ones, naming the nearest when it is not."""
    if not isinstance(value, str):
        return _must(path, "a code (str)", value, is_type=True)
    kind: object = type(value)
    if kind is known:  # a member of the enum
        return None
    # Python 3.11 refuses to say whether a str is in an enum class; its members compare as what they are, texts.
    codes = {str(choice) for choice in known} if isinstance(known, type) else known
    return (
        None if value in codes else Problem(path, f"is unknown: {shown(value)}{did_you_mean(value[:MAX_CODE], codes)}")
    )


@overload
def member(choices: type[_Choice]) -> Callable[[_Choice | str], _Choice]: ...
@overload
def member(choices: type[_Choice], *, none: bool) -> Callable[[_Choice | str | None], _Choice | None]: ...
def member(choices: type[_Choice], *, none: bool = False) -> Callable[..., Any]:
    """
    Return a function from an enum's value to its member; wrap it in a named function to make it an attrs converter.

    What it does not know it hands on unchanged, so that the type's own check reports it with all other problems:
    ``coded("outcome", self.outcome, TouchOutcome)``.
    """
    del none  # only tells the type checker that None passes through
    members: dict[object, _Choice] = {choice.value: choice for choice in choices}

    def convert(value: Any) -> Any:  # noqa: ANN401
        if value is None:
            return None
        try:
            return members.get(value, value)
        except TypeError:  # unhashable: certainly not a member
            return value

    return convert


def to_instant(value: datetime) -> datetime:
    """
    Return the same moment with a fixed offset from UTC; a converter.

    Two times of one zone compare by the clock on the wall, which goes back an hour in autumn: with fixed offsets they
    compare as the moments they are. What was written (local time and offset) stays. What is no aware datetime is handed
    on to the check.
    """
    zone = getattr(value, "tzinfo", None)
    if zone is None or type(zone) is timezone:
        return value
    try:
        offset = value.utcoffset()
        return value if offset is None else value.replace(tzinfo=timezone(offset), fold=0)
    except Exception:  # noqa: BLE001  # the check says it, with its path
        return value


def to_instant_or_none(value: datetime | None) -> datetime | None:
    """Return the same as `to_instant`, for an attribute that may be None."""
    return None if value is None else to_instant(value)


def to_set(values: Iterable[str]) -> frozenset[str]:
    """
    Return texts as a frozenset; a converter that hands what is no collection of texts on to the check.

    A lone text would fall apart into its letters, so it is refused too.
    """
    if isinstance(values, frozenset):
        return values
    given: Any = to_tuple(values)
    try:
        return frozenset(given) if isinstance(given, tuple) else given
    except TypeError:  # unhashable: the check names the item
        return given  # type: ignore[no-any-return]


def to_tuple(values: Iterable[_Item]) -> tuple[_Item, ...]:
    """Return values as a tuple; a converter that hands what is no collection (or a lone text) on to the check."""
    if isinstance(values, tuple):
        return values
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        return values  # type: ignore[return-value]  # refused by the type's check
    return tuple(values)
