"""
How every type is read and written: worked out from its annotation when it is first needed, then kept.

Theory. There are five shapes: a scalar, a collection, a choice among types, a class, and the reference to a pipeline,
which an event names by id and version instead of repeating it. Nothing is listed here by class but what a class cannot
say of itself. In careful mode every shape collects the problems of all its parts, each with its path; that takes
longer, so a codec reads quickly first, and carefully only what could not be read.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from types import UnionType
from typing import Any, Final, Literal, NewType, TypeAlias, TypeVar, Union, get_args, get_origin

import attrs

from leadflow.codec.classes import Attribute, attributes_of, reading, writing
from leadflow.codec.collections import custom_fields, listed, set_of, together
from leadflow.codec.kinds import KINDS, NAMES
from leadflow.codec.problems import collected
from leadflow.codec.scalars import SCALARS, Form, Hint, Outside, Value, choice, refused, wrong
from leadflow.codec.unions import ANY_SCALAR, BARE, class_of, or_none, tagged, union
from leadflow.events import Event
from leadflow.fields import Fields, FieldValue
from leadflow.pipeline import Pipeline
from leadflow.qualification import Combined, Policy, policy_from_dict
from leadflow.validation import shown

__all__ = ["Forms", "Known", "Lift"]

Lift: TypeAlias = Callable[[str, Outside], Outside]
"""Makes the dict of a kind, by the kind's name, what it would be in today's version."""

Known: TypeAlias = Mapping[tuple[str, int], Pipeline]
"""Pipelines by id and version."""

_POLICIES: Final = (Policy, Combined)


class Forms:
    """The forms of all types, for a codec that knows these pipelines and dicts of one version."""

    def __init__(self, pipelines: Known, lift: Lift | None = None, *, careful: bool = False) -> None:
        self._pipelines = pipelines
        self._lift = lift
        self._careful = careful
        self._made: dict[Hint, Form] = {}
        self._whole: dict[type[Any], Form] = {}

    def of(self, hint: Hint) -> Form:
        """Return how values of an annotated type are read and written."""
        form = self._made.get(hint)
        if form is None:
            form = self._made[hint] = self._make(hint)
        return form

    def whole(self, kind: type[Any]) -> Form:
        """Return the form of a kind that stands by itself: a pipeline is then no reference."""
        form = self._whole.get(kind)
        if form is None:
            form = self._whole[kind] = self._class(kind) if kind is Pipeline else self.of(kind)
        return form

    def _make(self, hint: Hint) -> Form:
        origin: Any = get_origin(hint)
        parts = get_args(hint)
        if hint in SCALARS:
            return SCALARS[hint]
        if isinstance(hint, NewType):
            return self.of(hint.__supertype__)
        if isinstance(hint, TypeVar):
            return self.of(hint.__bound__ or object)
        if origin in (Union, UnionType):
            return union(parts, self.of, careful=self._careful)
        if origin is Literal:
            return choice(type(parts[0]))
        if origin is tuple and parts[-1] is ...:
            return listed(self.of(parts[0]), careful=self._careful)
        if origin is tuple:
            return together(tuple(map(self.of, parts)))
        if origin is frozenset:
            return set_of(self.of(parts[0]), careful=self._careful)
        if hint in (object, Any):
            return or_none(tagged(lambda: {**ANY_SCALAR, **KINDS}, BARE, self.of, careful=self._careful))
        return self._kind(class_of(hint))

    def _kind(self, kind: type[Any]) -> Form:
        if kind is Pipeline:
            return _reference(self._pipelines)
        if kind is Fields:
            return custom_fields(self.of(FieldValue))
        if kind is Event:
            events = {name: one for name, one in KINDS.items() if issubclass(one, Event)}
            return tagged(lambda: events, (), self.of, careful=self._careful)
        if kind in _POLICIES:
            return _policy(kind)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return choice(kind)
        return self._class(kind) if isinstance(kind, type) and attrs.has(kind) else _formless(kind)

    def _class(self, kind: type[Any]) -> Form:
        attributes = tuple(Attribute(told, key, self.of(told.type)) for told, key in attributes_of(kind))
        read, write = reading(kind, attributes, careful=self._careful), writing(kind, attributes, careful=self._careful)
        if self._lift is None or kind not in NAMES:
            return Form(read, write)
        name, lift = NAMES[kind], self._lift

        def read_lifted(plain: Outside, _: object = None) -> Value:
            return read(lift(name, plain), None)

        return Form(read_lifted, write)


def _reference(known: Known) -> Form:
    """Return the form of a pipeline inside another value: its id and version, of those that are known."""
    parts = {"id": SCALARS[str], "version": SCALARS[int]}

    def read(plain: Outside, _: object = None) -> Value:
        if type(plain) is not dict or plain.keys() != parts.keys():
            raise wrong("a pipeline by id and version, {'id': ..., 'version': ...}", plain)
        return find(*collected((key, form.read, (plain[key],)) for key, form in parts.items()))

    def write(value: Value) -> Outside:
        if not isinstance(value, Pipeline):
            raise wrong("a Pipeline", value)
        found = find(value.id, value.version)
        if found is not value and found != value:
            rule = f"differs from the pipeline that is known as {value.id!r} version {value.version}"
            raise refused(f"{rule}; give what was changed a new version")
        return {"id": value.id, "version": value.version}

    def find(id_: str, version: int) -> Pipeline:
        if (id_, version) in known:
            return known[id_, version]
        names = ", ".join(f"{name!r} version {number}" for name, number in sorted(known))
        rule = f"is pipeline {shown(id_)} version {shown(version)}, which this codec does not know (known: {names})"
        raise refused(f"{rule}; give it to the codec: Codec(pipelines=[...])")

    return Form(read, write)


def _policy(kind: type[Any]) -> Form:
    """Return the form of a policy: its own, see `leadflow.qualification.plain`."""

    def read(plain: Outside, _: object = None) -> Value:
        policy = policy_from_dict(plain)
        if type(policy) is kind:
            return policy
        raise wrong(f"the dict of a {kind.__name__}", plain)

    def write(value: Value) -> Outside:
        return value.to_dict()

    return Form(read, write)


def _formless(kind: Hint) -> Form:
    """Return what stands for the form of a type that has none."""
    name = getattr(kind, "__name__", str(kind))

    def refuse(value: Value, _: object = None) -> Value:
        raise refused(f"is a {name}, which has no dict form, got {shown(value)}", type(value))

    return Form(refuse, refuse)
