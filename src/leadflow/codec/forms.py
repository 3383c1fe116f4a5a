"""
How every type is read and written: worked out from its annotation when it is first needed, then kept.

Theory. There are five shapes: a scalar, a collection, a choice among types (a union), a class, and a reference to a
pipeline. A collection is a list, a set a sorted one, so that equal values have equal dicts. In a union the values that
JSON tells apart by itself (text, int, bool) stand bare; all others are tagged, ``{"money": {...}}``, and nothing is
guessed. In `careful` mode nothing is faster and everything is told: each shape collects the problems of its parts, each
with its path. A codec reads quickly first, and carefully only what could not be read.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Final, Literal, NewType, TypeVar, Union, get_args, get_origin

import attrs

from leadflow.codec.classes import Attribute, attributes_of, reading, writing
from leadflow.codec.kinds import KINDS, NAMES, name_of
from leadflow.codec.problems import collected
from leadflow.codec.scalars import SCALARS, Form, choice, wrong
from leadflow.errors import Problem, did_you_mean
from leadflow.events import Event
from leadflow.fields import Fields, FieldValue
from leadflow.pipeline import Pipeline
from leadflow.qualification import Combined, Policy, policy_from_dict
from leadflow.validation import invalid, shown

__all__ = ["Forms", "Lift"]

Lift = Callable[[str, Any], Any]
"""Makes the dict of a kind, by name, what it would be in today's version."""

# What JSON tells apart by itself stands bare in a union; these need a tag, and so does every class.
_TAGS: Final[Mapping[Any, str]] = MappingProxyType(
    {
        float: "float",
        Decimal: "decimal",
        datetime: "datetime",
        date: "date",
        timedelta: "timedelta",
        tuple: "tuple",
        frozenset: "set",
    }
)
_BARE: Final = (bool, int, str)


class Forms:
    """
    The forms of all types, for a codec that knows these pipelines.

    Attributes:
        pipelines: By id and version.
        lift: What old dicts go through; None for those of today's version.
        careful: Whether all problems are collected, which takes longer.
    """

    def __init__(
        self, pipelines: Mapping[tuple[str, int], Pipeline], lift: Lift | None = None, *, careful: bool = False
    ) -> None:
        self.pipelines = pipelines
        self.lift = lift
        self.careful = careful
        self._known: dict[Any, Form] = {}

    def of(self, hint: Any) -> Form:
        """Return how values of an annotated type are read and written."""
        form = self._known.get(hint)
        if form is None:
            form = self._known[hint] = self._made(hint)
        return form

    def whole(self, kind: type[Any]) -> Form:
        """Return the form of a kind that stands by itself: a pipeline is then no reference."""
        return self._class(kind) if kind is Pipeline else self.of(kind)

    def _made(self, hint: Any) -> Form:
        origin = get_origin(hint)
        if hint in SCALARS:
            return SCALARS[hint]
        if isinstance(hint, NewType):
            return self.of(hint.__supertype__)
        if isinstance(hint, TypeVar):
            return self.of(hint.__bound__ or object)
        if origin in (Union, UnionType):
            return self._union(get_args(hint))
        if origin is Literal:
            return choice(type(get_args(hint)[0]))
        if origin is tuple:
            return self._tuple(get_args(hint))
        if origin is frozenset:
            return self._set(get_args(hint)[0])
        if hint in (object, Any):
            return self._tagged(lambda: {**{tag: kind for kind, tag in _TAGS.items()}, **KINDS})
        return self._of_class(origin if isinstance(origin, type) else hint)

    def _of_class(self, kind: Any) -> Form:
        if kind is Pipeline:
            return self._pipeline()
        if kind is Fields:
            return self._fields()
        if kind is Event:
            return self._tagged(lambda: {name: one for name, one in KINDS.items() if issubclass(one, Event)})
        if kind in (Policy, Combined):
            return _policy(kind)
        if kind in (tuple, frozenset):
            return self._tuple((str, ...)) if kind is tuple else self._set(str)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return choice(kind)
        if isinstance(kind, type) and attrs.has(kind):
            return self._class(kind)
        return _formless(kind)

    # -- classes ---------------------------------------------------------------------------------------------------

    def _class(self, kind: type[Any]) -> Form:
        attributes = tuple(Attribute(attribute, key, self.of(attribute.type)) for attribute, key in attributes_of(kind))
        read, write = reading(kind, attributes, careful=self.careful), writing(kind, attributes, careful=self.careful)
        if self.lift is None or kind not in NAMES:
            return Form(read, write)
        name, lift = NAMES[kind], self.lift
        return Form(lambda plain, _=None: read(lift(name, plain), None), write)

    def _pipeline(self) -> Form:
        known = self.pipelines
        named = self.of(tuple[str, int])

        def read(plain: Any, _: object = None) -> Pipeline:
            if type(plain) is dict and plain.keys() == {"id", "version"}:
                key = named.read([plain["id"], plain["version"]], None)
                if key in known:
                    return known[key]
                raise invalid("", Problem("", _unknown_pipeline(key, known)))
            raise wrong("a pipeline by id and version, {'id': ..., 'version': ...}", plain)

        def write(value: Any) -> dict[str, Any]:
            if not isinstance(value, Pipeline):
                raise wrong("a Pipeline", value)
            key = (value.id, value.version)
            if key not in known:
                raise invalid("", Problem("", _unknown_pipeline(key, known)))
            if known[key] is not value and known[key] != value:
                rule = f"must be the pipeline that is known as {value.id!r} version {value.version}, got another"
                raise invalid("", Problem("", f"{rule}; give what was changed a new version"))
            return {"id": value.id, "version": value.version}

        return Form(read, write)

    # -- collections -----------------------------------------------------------------------------------------------

    def _tuple(self, parts: tuple[Any, ...]) -> Form:
        if parts[-1] is ...:
            read_all, write_all = self._each(self.of(parts[0]))

            def read(plain: Any, _: object = None) -> tuple[Any, ...]:
                if type(plain) is not list:
                    raise wrong("a list", plain)
                return tuple(read_all(plain))

            def write(value: Any) -> list[Any]:
                if type(value) is not tuple:
                    raise wrong("a tuple", value)
                return write_all(value)

            return Form(read, write)
        forms = tuple(self.of(part) for part in parts)
        rule = f"a list of {len(forms)}"

        def read_some(plain: Any, _: object = None) -> tuple[Any, ...]:
            if type(plain) is not list or len(plain) != len(forms):
                raise wrong(rule, plain)
            return tuple(
                collected(
                    (f"[{n}]", form.read, (item, None)) for n, (form, item) in enumerate(zip(forms, plain, strict=True))
                )
            )

        def write_some(value: Any) -> list[Any]:
            if type(value) is not tuple or len(value) != len(forms):
                raise wrong(f"a tuple of {len(forms)}", value)
            return collected(
                (f"[{n}]", form.write, (item,)) for n, (form, item) in enumerate(zip(forms, value, strict=True))
            )

        return Form(read_some, write_some)

    def _set(self, part: Any) -> Form:
        read_all, write_all = self._each(self.of(part))

        def read(plain: Any, _: object = None) -> frozenset[Any]:
            if type(plain) is not list:
                raise wrong("a list", plain)
            found = frozenset(read_all(plain))
            if len(found) < len(plain):
                raise invalid("", Problem("", f"must not repeat, got {shown(plain)}"))
            return found

        def write(value: Any) -> list[Any]:
            if not isinstance(value, frozenset):
                raise wrong("a frozenset", value)
            return sorted(write_all(value))

        return Form(read, write)

    def _each(self, form: Form) -> tuple[Callable[[Any], list[Any]], Callable[[Any], list[Any]]]:
        read, write = form
        if not self.careful:
            return (lambda plain: [read(item, None) for item in plain]), (lambda value: [write(item) for item in value])
        return (
            lambda plain: collected((f"[{n}]", read, (item, None)) for n, item in enumerate(plain)),
            lambda value: collected((f"[{n}]", write, (item,)) for n, item in enumerate(value)),
        )

    def _fields(self) -> Form:
        form = self.of(FieldValue)

        def read(plain: Any, _: object = None) -> Fields:
            if type(plain) is not dict:
                raise wrong("a dict from names to values", plain)
            strange = [name for name in plain if type(name) is not str]
            if strange:
                raise wrong("a dict with names (str) as keys", strange[0])
            read_each = collected((name, form.read, (item, None)) for name, item in plain.items())
            return Fields(dict(zip(plain, read_each, strict=True))) if plain else Fields()

        def write(value: Any) -> dict[str, Any]:
            if not isinstance(value, Fields):
                raise wrong("Fields", value)
            return dict(zip(value, collected((name, form.write, (item,)) for name, item in value.items()), strict=True))

        return Form(read, write)

    # -- unions ----------------------------------------------------------------------------------------------------

    def _union(self, members: tuple[Any, ...]) -> Form:
        some = [member for member in members if member is not NoneType]
        if len(some) == 1:
            form = self.of(some[0])
        else:
            tagged = {
                _tag(member): member for member in some if member not in _BARE and get_origin(member) is not Literal
            }
            bare = [member for member in some if member in _BARE or get_origin(member) is Literal]
            form = self._tagged(lambda: tagged, bare)
        if len(some) == len(members):
            return form
        read, write = form
        return Form(
            lambda plain, _=None: None if plain is None else read(plain, None),
            lambda value: None if value is None else write(value),
        )

    def _tagged(self, tags: Callable[[], Mapping[str, Any]], bare: Iterable[Any] = (*_BARE, NoneType)) -> Form:
        """Return the form of a choice among tagged types; which they are is worked out when the first one comes."""
        plainly = {_json_type(member): NOTHING if member is NoneType else self.of(member) for member in bare}
        readers: dict[Any, Any] = {}
        writers: dict[type[Any], tuple[str, Any]] = {}

        def read(plain: Any, _: object = None) -> Any:
            kind = type(plain)
            if kind is dict and len(plain) == 1:
                ((tag, data),) = plain.items()
                reader = readers.get(tag)
                if reader is None:
                    known = tags()
                    if tag not in known:
                        rule = f"is unknown: {shown(tag)}{did_you_mean(str(tag)[:200], known)}"
                        raise invalid("", Problem("", rule))
                    reader = readers[tag] = self.of(known[tag]).read
                if not self.careful:
                    return reader(data, None)
                return collected([(tag, reader, (data, None))])[0]
            if kind in plainly:
                return plainly[kind].read(plain, None)
            raise wrong(_told(tags(), plainly), plain)

        def write(value: Any) -> Any:
            found = writers.get(type(value))
            if found is None:
                found = writers[type(value)] = self._written(value, tags(), bare)
            tag, writer = found
            return {tag: writer(value)} if tag else writer(value)

        return Form(read, write)

    def _written(self, value: Any, tags: Mapping[str, Any], bare: Iterable[Any]) -> tuple[str, Any]:
        """Return the tag of a value and what writes it; no tag where it stands bare."""
        exact = {_class_of(member): (tag, member) for tag, member in tags.items()}
        exact |= {_class_of(member): ("", member) for member in bare}
        kind = type(value)
        if kind not in exact:
            # A host's own kind of text or number counts as what it derives from.
            kind = next((one for one in _ORDER if one in exact and isinstance(value, one)), None)
        if kind is None:
            if callable(value):
                rule = "is a function, which has no dict form; give what it returns (an owner's user id, say) instead"
                raise invalid("", Problem("", rule, is_type=True))
            raise wrong(_told(tags, {}), value)
        tag, member = exact[kind]
        return tag, (NOTHING if member is NoneType else self.of(member)).write


# A subclass comes before what it derives from.
_ORDER: Final = (bool, int, float, str, Decimal, datetime, date, timedelta)
NOTHING: Final = Form(lambda plain, _=None: plain, lambda value: value)


def _class_of(member: Any) -> Any:
    return type(get_args(member)[0]) if get_origin(member) is Literal else get_origin(member) or member


def _json_type(member: Any) -> type[Any]:
    return str if get_origin(member) is Literal else member


def _tag(member: Any) -> str:
    kind = get_origin(member) or member
    return _TAGS.get(kind) or NAMES.get(kind) or name_of(kind)


def _told(tags: Mapping[str, Any], plainly: Mapping[Any, Any]) -> str:
    words = [{str: "text", int: "an int", bool: "true or false"}.get(kind, "null") for kind in plainly]
    shortly = sorted(tags)[:8]
    return " or ".join(
        [*words, f"a dict with one of the keys {', '.join(shortly)}{', ...' * (len(tags) > len(shortly))}"]
    )


def _unknown_pipeline(key: tuple[str, int], known: Iterable[tuple[str, int]]) -> str:
    names = ", ".join(f"{id_!r} version {version}" for id_, version in sorted(known))
    return (
        f"names pipeline {key[0]!r} version {key[1]}, which this codec does not know (known: {names}); "
        "give it to the codec: Codec(pipelines=[...])"
    )


def _policy(kind: type[Any]) -> Form:
    def read(plain: Any, _: object = None) -> Any:
        policy = policy_from_dict(plain)
        if type(policy) is kind:
            return policy
        raise wrong(f"the dict of a {kind.__name__}", plain)

    def write(value: Any) -> Any:
        return value.to_dict()

    return Form(read, write)


def _formless(kind: Any) -> Form:
    name = getattr(kind, "__name__", str(kind))

    def refuse(value: Any, _: object = None) -> Any:
        raise invalid("", Problem("", f"is a {name}, which has no dict form, got {shown(value)}", is_type=True))

    return Form(refuse, refuse)
