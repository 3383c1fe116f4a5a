"""
Scalars: what a single value looks like in a dict, and nothing else that would do.

Theory. Each type has one form, told exactly: ``"1"`` is no int, ``1`` is no bool, ``1.0`` is no int. The one exception
is an int where a float is meant, because other writers of JSON drop the ``.0``. Decimals and times are texts, so that
no reader can round them: a decimal with its scale, a datetime in ISO 8601 with its offset, a length of time in seconds.
A reader gets what came from outside, anything; a writer gets a value of the type.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum
from math import isfinite
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from leadflow.errors import InvalidError, Problem, did_you_mean
from leadflow.party import EmailAddress
from leadflow.validation import invalid, shown

# The three names for `Any` are not listed: they say to a reader what is meant.
__all__ = ["SCALARS", "Form", "Reader", "Writer", "choice", "refused", "wrong"]

Outside: TypeAlias = Any
"""What is outside: what came in may be anything, what goes out is str, int, float, bool, None, list or dict."""

Value: TypeAlias = Any
"""A value of ours."""

Hint: TypeAlias = Any
"""The type of an attribute, as annotated."""

Reader: TypeAlias = Callable[[Outside, object], Value]
"""Makes a value of what came from outside; its second argument, which cattrs passes, is ignored."""

Writer: TypeAlias = Callable[[Value], Outside]
"""Makes what goes outside of a value."""


class Form(NamedTuple):
    """How a type is read and written."""

    read: Reader
    write: Writer


def wrong(rule: str, value: object) -> InvalidError:
    """Return the error for a value of another type than is meant."""
    return refused(f"must be {rule}, got {shown(value)}", type(value))


def refused(message: str, kind: object = None) -> InvalidError:
    """Return the error for one problem; a type that was got is given where it is about that."""
    return invalid("", Problem("", message, is_type=kind is not None))


def _no_such(rule: str, value: object) -> InvalidError:
    """Return the error for a value of the right type that means nothing."""
    return refused(f"must be {rule}, got {shown(value)}")


def _read_text(plain: Outside, _: object = None) -> str:
    if type(plain) is str:
        return plain
    raise wrong("text (str)", plain)


def _write_text(value: Value) -> str:
    if type(value) is str:
        return value
    if isinstance(value, str):  # a member of a host's own enumeration, say
        return str.__str__(value) if not isinstance(value, Enum) else str(value.value)
    raise wrong("text (str)", value)


def _read_whole(plain: Outside, _: object = None) -> int:
    if type(plain) is int:
        return plain
    raise wrong("a whole number (int)", plain)


def _write_whole(value: Value) -> int:
    if type(value) is int:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    raise wrong("a whole number (int)", value)


def _read_truth(plain: Outside, _: object = None) -> bool:
    if plain is True or plain is False:
        return bool(plain)
    raise wrong("true or false (bool)", plain)


def _write_truth(value: Value) -> bool:
    return _read_truth(value)


def _read_number(plain: Outside, _: object = None) -> float:
    if type(plain) is float:
        if isfinite(plain):
            return plain
        raise _no_such("finite", plain)
    if type(plain) is int:
        try:
            return float(plain)
        except OverflowError:
            raise _no_such("finite", plain) from None
    raise wrong("a number (float)", plain)


def _write_number(value: Value) -> float:
    if isinstance(value, float):
        return _read_number(float(value))
    return _read_number(value)


# What str(Decimal) writes of a finite number.
_DECIMAL: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:E[+-][0-9]+)?")


def _read_decimal(plain: Outside, _: object = None) -> Decimal:
    if type(plain) is not str:
        raise wrong("a decimal as text, such as '48000.00'", plain)
    if _DECIMAL.fullmatch(plain):
        return Decimal(plain)
    raise _no_such("a finite decimal as text, such as '48000.00'", plain)


def _write_decimal(value: Value) -> str:
    text = str(value)
    if _DECIMAL.fullmatch(text):
        return text
    raise _no_such("a finite Decimal", value)


def _read_day(plain: Outside, _: object = None) -> date:
    if type(plain) is not str:
        raise wrong("a date as text, such as '2026-03-31'", plain)
    try:
        day = date.fromisoformat(plain)
    except ValueError:
        day = None
    # Python reads more than one form ("20260331"); one is enough.
    if day is None or day.isoformat() != plain:
        raise _no_such("a date, such as '2026-03-31'", plain)
    return day


def _write_day(value: Value) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        return date.isoformat(value)
    raise wrong("a date without a time", value)


def _read_instant(plain: Outside, _: object = None) -> datetime:
    if type(plain) is not str:
        raise wrong("a time as text, such as '2026-03-31T23:30:00+02:00'", plain)
    try:
        instant = datetime.fromisoformat(plain)
    except ValueError:
        raise _no_such("a time in ISO 8601, such as '2026-03-31T23:30:00+02:00'", plain) from None
    if instant.tzinfo is None:
        raise _no_such("timezone-aware, such as '2026-03-31T23:30:00+02:00'", plain)
    return instant


def _write_instant(value: Value) -> str:
    if not isinstance(value, datetime):
        raise wrong("a timezone-aware datetime", value)
    if value.utcoffset() is None:
        raise _no_such("timezone-aware", value)
    return datetime.isoformat(value)


_SECONDS: Final = re.compile(r"-?[0-9]{1,14}\.[0-9]{1,6}")
_MICRO: Final = timedelta(microseconds=1)


def _read_span(plain: Outside, _: object = None) -> timedelta:
    rule = "a number of seconds: an int, or a decimal as text"
    if type(plain) is int:
        micros = plain * 1_000_000
    elif type(plain) is str and _SECONDS.fullmatch(plain):
        micros = int(Decimal(plain).scaleb(6))
    else:
        raise wrong(rule, plain)
    try:
        return micros * _MICRO
    except OverflowError:
        raise _no_such(f"{rule}, of less than 1,000,000,000 days", plain) from None


def _write_span(value: Value) -> int | str:
    if not isinstance(value, timedelta):
        raise wrong("a timedelta", value)
    micros = value // _MICRO
    if micros % 1_000_000 == 0:
        return micros // 1_000_000
    whole, rest = divmod(abs(micros), 1_000_000)
    return f"{'-' if micros < 0 else ''}{whole}.{rest:06d}".rstrip("0")


def _read_zone(plain: Outside, _: object = None) -> tzinfo:
    if type(plain) is not str:
        raise wrong("a time zone as text, such as 'Europe/Berlin' or '+02:00'", plain)
    try:
        # An offset is read as that of a time which has it.
        return _read_instant(f"2000-01-01T00:00:00{plain}").tzinfo if plain[:1] in ("+", "-") else ZoneInfo(plain)  # type: ignore[return-value]  # it has one
    except (LookupError, ValueError, OSError):
        raise _no_such("a time zone, such as 'Europe/Berlin' or '+02:00'", plain) from None


def _write_zone(value: Value) -> str:
    if isinstance(value, ZoneInfo) and value.key is not None:
        return value.key
    if isinstance(value, timezone):
        return datetime(2000, 1, 1, tzinfo=value).isoformat()[19:]
    raise wrong("a ZoneInfo with a name, or a fixed offset from UTC", value)


def _read_email(plain: Outside, _: object = None) -> EmailAddress:
    try:
        return EmailAddress(_read_text(plain))
    except InvalidError as error:
        raise invalid("", *(Problem("", problem.message, problem.is_type) for problem in error.problems)) from None


def _write_email(value: Value) -> str:
    return _write_text(value.written)


def choice(kind: type[Enum]) -> Form:
    """Return the form of an enumeration: the values of its members."""
    members = {member.value: member for member in kind}

    def read(plain: Outside, _: object = None) -> Enum:
        if type(plain) is not str:
            raise wrong(f"one of {', '.join(map(repr, members))}", plain)
        if plain not in members:
            raise refused(f"is unknown: {shown(plain)}{did_you_mean(plain[:200], members)}")
        return members[plain]

    def write(value: Value) -> str:
        if isinstance(value, kind):
            return str(value.value)
        raise wrong(f"a {kind.__name__}", value)

    return Form(read, write)


SCALARS: Final[Mapping[Any, Form]] = MappingProxyType(
    {
        str: Form(_read_text, _write_text),
        int: Form(_read_whole, _write_whole),
        bool: Form(_read_truth, _write_truth),
        float: Form(_read_number, _write_number),
        Decimal: Form(_read_decimal, _write_decimal),
        date: Form(_read_day, _write_day),
        datetime: Form(_read_instant, _write_instant),
        timedelta: Form(_read_span, _write_span),
        tzinfo: Form(_read_zone, _write_zone),
        EmailAddress: Form(_read_email, _write_email),
    }
)
"""How each type of single value is read and written."""
