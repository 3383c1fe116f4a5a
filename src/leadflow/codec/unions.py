"""
Unions: a choice among types, told by a tag where JSON would not tell.

Theory. A text, an int and a truth value are told apart by JSON itself and stand bare. Everything else is a dict with
one entry, the tag: ``{"date": "2026-03-31"}``, ``{"money": {...}}``, ``{"stage_changed": {...}}``. Nothing is tried out
and nothing is guessed. What may be tagged is worked out when the first tag comes: a union of all events names forty
classes, and most programs meet ten.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from types import MappingProxyType, NoneType
from typing import Any, Final, Literal, NewType, get_args, get_origin

from leadflow.codec.kinds import name_of
from leadflow.codec.problems import collected
from leadflow.codec.scalars import Form, Hint, Outside, Reader, Value, Writer, refused, wrong
from leadflow.errors import did_you_mean
from leadflow.validation import shown

__all__ = ["ANY_SCALAR", "BARE", "class_of", "or_none", "tagged", "union"]

BARE: Final = (bool, int, str)
"""What JSON tells apart by itself."""

ANY_SCALAR: Final[Mapping[str, Hint]] = MappingProxyType(
    {
        "float": float,
        "decimal": Decimal,
        "datetime": datetime,
        "date": date,
        "timedelta": timedelta,
        "tuple": tuple[object, ...],
        "set": frozenset[str],
    }
)
"""What has a tag without being a kind, by tag."""

_TAGS: Final = {float: "float", Decimal: "decimal", datetime: "datetime", date: "date", timedelta: "timedelta"} | {
    tuple: "tuple",
    frozenset: "set",
}
# A subclass comes before what it derives from: True is an int to Python, and a datetime a date.
_ORDER: Final = (bool, int, float, str, Decimal, datetime, date, timedelta)
_WORDS: Final = {str: "text", int: "an int", bool: "true or false"}
# So many tags are named in a message.
_NAMED: Final = 9


def class_of(hint: Hint) -> type[Any]:
    """Return the class that values of an annotated type have."""
    if isinstance(hint, NewType):
        return class_of(hint.__supertype__)
    origin: Any = get_origin(hint)
    kind: type[Any] = type(get_args(hint)[0]) if origin is Literal else origin or hint
    return kind


def or_none(form: Form) -> Form:
    """Return a form in which None may stand too."""
    read, write = form

    def read_or_none(plain: Outside, _: object = None) -> Value:
        return None if plain is None else read(plain, None)

    def write_or_none(value: Value) -> Outside:
        return None if value is None else write(value)

    return Form(read_or_none, write_or_none)


def union(members: tuple[Hint, ...], of: Callable[[Hint], Form], *, careful: bool) -> Form:
    """Return the form of a union of these types; `of` says how each is read and written."""
    some = tuple(member for member in members if member is not NoneType)
    # A function may be given where an owner is asked for; it has no dict form and so no tag.
    function: Any = Callable
    told = [member for member in some if class_of(member) is not function]
    bare = tuple(member for member in told if member in BARE or issubclass(class_of(member), Enum))
    tags = {_TAGS.get(class_of(one)) or name_of(class_of(one)): one for one in told if one not in bare}
    form = of(some[0]) if len(some) == 1 else tagged(lambda: tags, bare, of, careful=careful)
    return form if len(some) == len(members) else or_none(form)


def tagged(
    tags: Callable[[], Mapping[str, Hint]], bare: tuple[Hint, ...], of: Callable[[Hint], Form], *, careful: bool
) -> Form:
    """
    Return the form of a choice among types.

    Args:
        tags: Returns the types that stand under a tag, by tag.
        bare: The types that stand without.
        of: Says how each type is read and written.
        careful: Whether problems are told with the tag in their path.
    """
    plainly: dict[type[Any], Hint] = {member if member in _WORDS else str: member for member in bare}
    readers: dict[Any, Reader] = {}
    writers: dict[type[Any], tuple[str, Writer]] = {}

    def reader_of(tag: Any) -> Reader:  # noqa: ANN401 - a key from outside
        known = tags()
        if tag not in known:
            raise refused(f"is unknown: {shown(tag)}{did_you_mean(str(tag)[:200], known)}")
        return of(known[tag]).read

    def writer_of(value: Value) -> tuple[str, Writer]:
        known = {class_of(hint): (tag, hint) for tag, hint in tags().items()}
        known |= {class_of(hint): ("", hint) for hint in bare}
        kind: Any = type(value)
        if kind not in known:
            # A host's own kind of text or number counts as what it derives from.
            kind = next((one for one in _ORDER if one in known and isinstance(value, one)), None)
        if kind is not None:
            tag, hint = known[kind]
            return tag, of(hint).write
        if callable(value):
            raise refused(
                "is a function, which has no dict form; give what it returns, an owner's user id, instead", type(value)
            )
        raise wrong(rule(), value)

    def rule() -> str:
        known = sorted(tags())
        more = ", ..." if len(known) > _NAMED else ""
        one_of = [f"a dict with one key out of {', '.join(known[:_NAMED])}{more}"] if known else []
        return " or ".join([*(_WORDS[kind] for kind in plainly), *one_of])

    def read(plain: Outside, _: object = None) -> Value:
        kind = type(plain)
        if kind is dict and len(plain) == 1:
            ((tag, inner),) = plain.items()
            reader = readers.get(tag)
            if reader is None:
                reader = readers[tag] = reader_of(tag)
            return collected([(str(tag), reader, (inner, None))])[0] if careful else reader(inner, None)
        if kind in plainly:
            return of(plainly[kind]).read(plain, None)
        raise wrong(rule(), plain)

    def write(value: Value) -> Outside:
        found = writers.get(type(value))
        if found is None:
            found = writers[type(value)] = writer_of(value)
        tag, writer = found
        if not tag:
            return writer(value)
        return {tag: collected([(tag, writer, (value,))])[0] if careful else writer(value)}

    return Form(read, write)
