"""
Classes: a dict with one entry per attribute that is not at its default, made by functions that cattrs writes.

Theory. What an attribute's annotation says is all there is to know; the class's own checks judge the value that comes
of it. An attribute at a constant default is left out: old dicts lack attributes that are new, and new dicts can be read
by an older leadflow as long as nothing new is in them. So a default never changes its meaning without a new version. A
default that is worked out from other attributes is written out, but for `recorded_at` where it says the same as `at`.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple, TypeAlias, Union, get_type_hints

import attrs
from cattrs import Converter
from cattrs.errors import ClassValidationError
from cattrs.gen import make_dict_structure_fn_from_attrs, make_dict_unstructure_fn_from_attrs, override

from leadflow.assessment import Assessment, Explanation
from leadflow.codec.kinds import name_of
from leadflow.codec.problems import collected, told
from leadflow.codec.scalars import Form, Outside, Reader, Value, Writer, wrong
from leadflow.entity import Entity
from leadflow.errors import InvalidError, Problem
from leadflow.validation import invalid

__all__ = ["Attribute", "attributes_of", "reading", "writing"]

# cattrs writes the functions; how each attribute is read and written it is told, so that it converts nothing itself.
_CATTRS: Final = Converter()
# To the type checker attrs.Factory is a function.
_FACTORY: Final[type[Any]] = attrs.Factory  # type: ignore[assignment]

_Told: TypeAlias = "attrs.Attribute[Any]"


class Attribute(NamedTuple):
    """One attribute of a class: as attrs knows it, its key in the dict, and how it is read and written."""

    told: _Told
    key: str
    form: Form

    @property
    def argument(self) -> str:
        """What the class takes it as."""
        return self.told.alias or self.told.name

    @property
    def may_be_left_out(self) -> bool:
        """Whether it has a default that is always the same, or says when what happened was recorded."""
        default = self.told.default
        return default is not attrs.NOTHING and (not isinstance(default, _FACTORY) or default.factory is _as_happened)


def attributes_of(kind: type[Any]) -> Iterator[tuple[_Told, str]]:
    """Yield each attribute that a class is made from, typed as its values are, with its key."""
    hints = get_type_hints(kind)
    for attribute in attrs.fields(kind):
        if not attribute.init:
            continue
        hint, key, default = hints[attribute.name], attribute.alias or attribute.name, attribute.default
        if issubclass(kind, Entity) and attribute.name == "history":
            events = sorted(kind._EVENTS, key=name_of)  # noqa: SLF001 - what may be in its history
            hint = tuple[Union[tuple(events)], ...]  # type: ignore[misc]  # noqa: UP007 - made at run time
        if kind is Assessment and attribute.name == "explainer":
            hint, key = Explanation, "explanation"
        if attribute.name == "recorded_at" and isinstance(default, _FACTORY):
            default = attrs.Factory(_as_happened, takes_self=True)
        yield attribute.evolve(type=hint, default=default, converter=None), key


def _as_happened(event: Value) -> object:
    """Return the time an event was recorded at if it says the same as when it happened; offsets count."""
    at, recorded_at = event.at, event.recorded_at
    same = recorded_at is at or (recorded_at == at and recorded_at.utcoffset() == at.utcoffset())
    return recorded_at if same else None


def _overrides(attributes: tuple[Attribute, ...]) -> dict[str, Any]:
    return {
        one.told.name: override(
            rename=one.key,
            omit_if_default=one.may_be_left_out,
            struct_hook=one.form.read,
            unstruct_hook=one.form.write,
        )
        for one in attributes
    }


def reading(kind: type[Any], attributes: tuple[Attribute, ...], *, careful: bool) -> Reader:
    """Return what makes an object of a class from a dict; carefully, with all that is wrong with it."""
    made: Reader = make_dict_structure_fn_from_attrs(
        [one.told for one in attributes],
        kind,
        _CATTRS,
        {parameter.__name__: object for parameter in getattr(kind, "__parameters__", ())},
        _cattrs_forbid_extra_keys=True,
        _cattrs_use_linecache=False,
        _cattrs_detailed_validation=careful,
        **_overrides(attributes),
    )
    if not careful:
        return made
    name = name_of(kind)
    keys = {one.told.name: one.key for one in attributes}

    def read(plain: Outside, _: object = None) -> Value:
        if type(plain) is not dict:
            raise wrong(f"a dict (of {name!r})", plain)
        try:
            return made(plain, kind)
        except ClassValidationError as error:
            problems = list(told(error, name, keys))
        raise invalid("", *problems, *_further(kind, attributes, plain, problems))

    return read


def _further(
    kind: type[Any], attributes: tuple[Attribute, ...], plain: dict[Any, Any], problems: list[Problem]
) -> Iterator[Problem]:
    """
    Yield what the class finds wrong besides.

    Where an attribute could not be read, the class gets what came from outside and says something of it, which is left
    out: it has been said. What it says of the others would else only be told once the first is mended.
    """
    given: dict[str, Any] = {}
    broken: set[str] = set()
    for one in attributes:
        if one.key in plain or one.told.default is attrs.NOTHING:
            try:
                given[one.argument] = one.form.read(plain[one.key], None)
            except (InvalidError, KeyError):
                given[one.argument] = plain.get(one.key)
                broken.add(one.key)
    if not broken:
        return
    try:
        kind(**given)
    except InvalidError as error:
        for problem in error.problems:
            if problem not in problems and problem.path and not _is_in(problem.path, broken):
                yield problem
    except Exception:  # noqa: BLE001, S110 - a class need not bear what was found wrong before
        pass


def _is_in(path: str, keys: set[str]) -> bool:
    return any(path == key or path.startswith((f"{key}.", f"{key}[")) for key in keys)


def writing(kind: type[Any], attributes: tuple[Attribute, ...], *, careful: bool) -> Writer:
    """Return what makes a dict of an object of a class; carefully, with all in it that has no dict form."""
    made: Writer = make_dict_unstructure_fn_from_attrs(
        [one.told for one in attributes],
        kind,
        _CATTRS,
        {},
        _cattrs_use_linecache=False,
        **_overrides(attributes),
    )

    def write(value: Value) -> Outside:
        if type(value) is not kind:
            raise wrong(f"a {kind.__name__} (and of no class of your own)", value)
        if kind is Assessment:
            value = attrs.evolve(value, explainer=value.explanation)
        if careful:
            collected((one.key, one.form.write, (getattr(value, one.told.name),)) for one in attributes)
        return made(value)

    return write
