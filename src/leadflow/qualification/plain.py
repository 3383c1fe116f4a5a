"""
Policies as plain dicts and back: for files, databases, other tools, and for the fingerprint.

Theory. A node is ``{"node": its tag, ...}`` with one entry per attribute that is not at its default; a constant is
written as its operand's kind demands, so that no entry needs a type of its own. Nothing in a dict is ever evaluated: a
tag looks up a class in a closed table and an entry fills one of its attributes, whose own checks then judge it like any
value from Python. A dict is untrusted: its depth is limited, and all problems are told together, each with its path.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final, get_args, get_origin

import attrs

from leadflow.errors import InvalidError, Problem, did_you_mean
from leadflow.fields import FieldValue
from leadflow.money import Money
from leadflow.qualification.activity import Activity
from leadflow.qualification.awards import Bands, Points
from leadflow.qualification.comparisons import Between, Compare, Includes, IsIn, IsKnown, Operand, TextMatch
from leadflow.qualification.engaged import Engaged, EngagementPoints
from leadflow.qualification.facts import Age, Coalesce, Fact
from leadflow.qualification.gates import KnockOut, Requirement
from leadflow.qualification.grades import Grid, Scale
from leadflow.qualification.kinds import Kind
from leadflow.qualification.logic import AllOf, AnyOf, AtLeast, Not
from leadflow.qualification.nodes import Node
from leadflow.qualification.scores import Cap, Sum
from leadflow.validation import invalid

__all__ = ["SCHEMA", "TAGS", "decode", "decode_span", "encode", "encode_points", "encode_span", "unknown_keys"]

# The version of the dict form; raised when an older reader could misread a newer dict.
SCHEMA: Final = 1

TAGS: Final[Mapping[str, type[Node]]] = MappingProxyType(
    {
        "fact": Fact,
        "age": Age,
        "coalesce": Coalesce,
        "activity": Activity,
        "compare": Compare,
        "between": Between,
        "is_in": IsIn,
        "text_match": TextMatch,
        "includes": Includes,
        "is_known": IsKnown,
        "not": Not,
        "all_of": AllOf,
        "any_of": AnyOf,
        "at_least": AtLeast,
        "points": Points,
        "bands": Bands,
        "engaged": Engaged,
        "engagement_points": EngagementPoints,
        "sum": Sum,
        "cap": Cap,
        "require": Requirement,
        "knock_out": KnockOut,
        "scale": Scale,
        "grid": Grid,
    }
)
_TAG_OF: Final = {node: tag for tag, node in TAGS.items()}

# Attributes that hold constants of the operand's kind.
_CONSTANTS: Final[Mapping[type[Node], tuple[str, ...]]] = MappingProxyType({
    Compare: ("constant",),
    Between: ("low", "high"),
    IsIn: ("options",),
    Coalesce: ("default",),
    Bands: ("cuts",),
})  # fmt: skip
_SEVERAL: Final = ("options", "cuts")

# Deeper rules than this are nobody's, and Python's own stack bears ten times as much.
MOST_DEPTH: Final = 50
# Seconds: a little more than a timedelta holds.
_LONGEST: Final = 10**14


def encode(node: Node) -> dict[str, Any]:
    """Return a node as a plain dict of str, int, float, bool, list and dict."""
    if type(node) not in _TAG_OF:
        rule = f"{type(node).__name__} is a part of your own, which has no dict form"
        raise invalid("to_dict", Problem("", f"{rule}; make it a class with assess(subject, *, at) and combine it"))
    plain: dict[str, Any] = {"node": _TAG_OF[type(node)]}
    for attribute in attrs.fields(type(node)):  # type: ignore[arg-type]  # every node is an attrs class
        value = getattr(node, attribute.name)
        if attribute.default is attrs.NOTHING or value != attribute.default:
            plain[attribute.name] = _encoded(value)
    return plain


def _encoded(value: Any) -> Any:  # noqa: ANN401 - any attribute
    match value:
        case Node():
            return encode(value)
        case StrEnum():
            return value.value
        case tuple():
            return [_encoded(item) for item in value]
        case frozenset():
            return sorted(value)
        case Decimal():
            return encode_points(value)
        case Money():
            return {"amount": _digits(value.amount), "currency": value.currency}
        case datetime() | date():
            return value.isoformat()
        case timedelta():
            return encode_span(value)
        case _:
            return value


def encode_points(number: Decimal) -> int | str:
    """Return a decimal as a whole number where it is one, else as text, exactly."""
    return int(number) if number == int(number) else _digits(number)


def _digits(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def encode_span(span: timedelta) -> int | str:
    """Return a length of time in seconds; as a decimal text where it is no whole number of them."""
    micros = span // timedelta(microseconds=1)
    whole, rest = divmod(abs(micros), 1_000_000)
    sign = "-" if micros < 0 else ""
    return f"{sign}{whole}.{rest:06d}".rstrip("0") if rest else micros // 1_000_000


def decode(plain: object, wanted: type[Node], path: str, problems: list[Problem], depth: int = 0) -> Any:  # noqa: ANN401
    """
    Return the node that a dict describes, or None after adding what is wrong with it to `problems`.

    Args:
        plain: What came from outside; anything.
        wanted: Which kind of node may stand here.
        path: Where it stands, for messages.
        problems: Collects everything that is wrong.
        depth: How deep it stands.
    """
    if depth > MOST_DEPTH:
        problems.append(Problem(path, f"must not be nested more than {MOST_DEPTH} deep"))
        return None
    if not isinstance(plain, dict):
        problems.append(Problem(path, f"must be a dict with a 'node', got {_short(plain)}", is_type=True))
        return None
    tag = plain.get("node")
    if not isinstance(tag, str) or tag not in TAGS:
        hint = did_you_mean(tag, TAGS) if isinstance(tag, str) else ""
        problems.append(Problem(f"{path}.node", f"is no node: {_short(tag)}{hint}"))
        return None
    kind = TAGS[tag]
    if not issubclass(kind, wanted):
        problems.append(Problem(path, f"must be a {wanted.__name__.lower()}, got a {tag!r}", is_type=True))
        return None
    found = len(problems)
    known = {attribute.name: attribute for attribute in attrs.fields(kind)}  # type: ignore[arg-type]  # attrs classes
    problems += unknown_keys(plain, known.keys() | {"node"}, f"{path}.", repr(tag))
    given: dict[str, Any] = {}
    for name, attribute in known.items():
        if name in plain:
            given[name] = _attribute(attribute.type, plain[name], f"{path}.{name}", problems, depth)
        elif attribute.default is attrs.NOTHING:
            problems.append(Problem(f"{path}.{name}", f"is missing from {tag!r}"))
    if len(problems) > found:
        return None
    try:
        for name in _CONSTANTS.get(kind, ()):
            given[name] = _constants(given["operand"], given[name], several=name in _SEVERAL)
        return kind(**given)
    except InvalidError as error:
        problems += [problem.under(path) for problem in error.problems]
        return None


def unknown_keys(plain: dict[Any, Any], known: Collection[str], path: str, whole: str) -> list[Problem]:
    """Return a problem for each entry that has no business in a dict."""
    names = sorted(str(name)[:80] for name in plain if name not in known)
    return [Problem(f"{path}{name}", f"is no part of {whole}{did_you_mean(name, known)}") for name in names]


def _attribute(hint: Any, plain: object, path: str, problems: list[Problem], depth: int) -> Any:  # noqa: ANN401
    """Return what an attribute is given: nodes where the class wants nodes, else plain values for its own checks."""
    if isinstance(hint, type) and issubclass(hint, Node):
        return decode(plain, hint, path, problems, depth + 1)
    inner = get_args(hint)[0] if get_args(hint) else None
    if get_origin(hint) is tuple:
        if not isinstance(plain, list):
            problems.append(Problem(path, f"must be a list, got {_short(plain)}", is_type=True))
            return None
        if isinstance(inner, type) and issubclass(inner, Node):
            return tuple(decode(item, inner, f"{path}[{n}]", problems, depth + 1) for n, item in enumerate(plain))
    if inner is timedelta:
        return decode_span(plain, path, problems)
    return tuple(plain) if isinstance(plain, list) else plain


def decode_span(plain: object, path: str, problems: list[Problem]) -> timedelta | None:
    """Return a length of time from a number of seconds, or None after noting what is wrong with it."""
    if plain is None:
        return None
    if isinstance(plain, int | str) and not isinstance(plain, bool):
        try:
            seconds = Decimal(plain)
            if seconds.copy_abs() < _LONGEST:
                return timedelta(microseconds=int(Fraction(seconds) * 1_000_000))
        except (ValueError, InvalidOperation, OverflowError):
            pass
    problems.append(Problem(path, f"must be a number of seconds, got {_short(plain)}", is_type=True))
    return None


def _constants(operand: Operand, plain: Any, *, several: bool) -> Any:  # noqa: ANN401
    if not several:
        return _constant(operand.kind, plain)
    return tuple(_constant(operand.kind, item) for item in plain) if isinstance(plain, tuple) else plain


def _constant(kind: Kind, plain: Any) -> FieldValue | Any:  # noqa: ANN401
    """Return a constant of a kind; what does not fit is handed on for the node's own check to report."""
    try:
        match kind, plain:
            case Kind.NUMBER, str():
                return Decimal(plain)
            case Kind.DATE, str():
                return date.fromisoformat(plain)
            case Kind.INSTANT, str():
                return datetime.fromisoformat(plain)
            case Kind.DURATION, int() | str() if not isinstance(plain, bool):
                return decode_span(plain, "", [])
            case Kind.MONEY, {"amount": str() as amount, "currency": str() as currency, **rest} if not rest:
                return Money(amount, currency)
            case Kind.SET, tuple():
                return frozenset(plain)
            case _:
                return plain
    except (ValueError, TypeError, InvalidOperation, OverflowError):
        return plain


def _short(value: object) -> str:
    shown = repr(value) if not isinstance(value, dict | list | tuple) else f"a {type(value).__name__}"
    return shown if len(shown) <= 80 else f"{shown[:60]}..."  # noqa: PLR2004 - enough to recognise it
