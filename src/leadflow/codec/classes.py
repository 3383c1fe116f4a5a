"""
Classes: a dict with one entry per attribute that is not at its default, made by functions that cattrs writes.

Theory. What an attribute's annotation says is all there is to know; the class's own checks judge the value that comes
of it. An attribute at a constant default is left out: old dicts lack attributes that are new, and new dicts can be read
by an older leadflow as long as nothing new is in them. So a default never changes its meaning without a new version. A
default that is worked out from other attributes is written out, but for `recorded_at` where it says the same as `at`.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, Union, get_type_hints

import attrs
from cattrs import Converter
from cattrs.errors import ClassValidationError
from cattrs.gen import (
    AttributeOverride,
    make_dict_structure_fn_from_attrs,
    make_dict_unstructure_fn_from_attrs,
    override,
)

from leadflow.assessment import Assessment, Explanation
from leadflow.codec.kinds import name_of
from leadflow.codec.problems import collected, told
from leadflow.codec.scalars import Form, Reader, Writer, wrong
from leadflow.entity import Entity
from leadflow.validation import invalid

__all__ = ["Attribute", "attributes_of", "reading", "writing"]

# cattrs writes the functions; how each attribute is read and written it is told, so that it converts nothing itself.
_CATTRS: Final = Converter()
# To the type checker attrs.Factory is a function.
_FACTORY: Final[type[Any]] = attrs.Factory  # type: ignore[assignment]


class Attribute(NamedTuple):
    """One attribute of a class: as attrs knows it, its key in the dict, and how it is read and written."""

    told: "attrs.Attribute[Any]"
    key: str
    form: Form

    def override(self) -> AttributeOverride:
        """Return it as cattrs is told."""
        constant = not isinstance(self.told.default, _FACTORY) or self.told.name == "recorded_at"
        return override(
            rename=self.key,
            omit_if_default=constant and self.told.default is not attrs.NOTHING,
            struct_hook=self.form.read,
            unstruct_hook=self.form.write,
        )


def attributes_of(kind: type[Any]) -> Iterator[tuple["attrs.Attribute[Any]", str]]:
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


def _as_happened(event: Any) -> Any:
    """Return the time an event was recorded at if it says the same as when it happened; offsets count."""
    at, recorded_at = event.at, event.recorded_at
    same = recorded_at is at or (recorded_at == at and recorded_at.utcoffset() == at.utcoffset())
    return recorded_at if same else None


def reading(kind: type[Any], attributes: tuple[Attribute, ...], *, careful: bool) -> Reader:
    """Return what makes an object of a class from a dict; carefully, with all that is wrong with it."""
    made: Reader = make_dict_structure_fn_from_attrs(
        [attribute.told for attribute in attributes],
        kind,
        _CATTRS,
        {parameter.__name__: object for parameter in getattr(kind, "__parameters__", ())},
        _cattrs_forbid_extra_keys=True,
        _cattrs_use_linecache=False,
        _cattrs_detailed_validation=careful,
        **{attribute.told.name: attribute.override() for attribute in attributes},
    )
    if not careful:
        return made
    name = name_of(kind)
    keys = [attribute.key for attribute in attributes]

    def read(plain: Any, _: object = None) -> Any:
        if type(plain) is not dict:
            raise wrong(f"a dict (of {name!r})", plain)
        try:
            return made(plain, kind)
        except ClassValidationError as error:
            raise invalid("", *told(error, name, keys)) from None

    return read


def writing(kind: type[Any], attributes: tuple[Attribute, ...], *, careful: bool) -> Writer:
    """Return what makes a dict of an object of a class; carefully, with all that has no dict form."""
    made: Callable[[Any], dict[str, Any]] = make_dict_unstructure_fn_from_attrs(
        [attribute.told for attribute in attributes],
        kind,
        _CATTRS,
        {},
        _cattrs_use_linecache=False,
        **{attribute.told.name: attribute.override() for attribute in attributes},
    )
    prepared = _materialised if kind is Assessment else None

    def write(value: Any) -> dict[str, Any]:
        if type(value) is not kind:
            raise wrong(f"a {kind.__name__} and no class of your own", value)
        if prepared is not None:
            value = prepared(value)
        if careful:
            collected((one.key, one.form.write, (getattr(value, one.told.name),)) for one in attributes)
        return made(value)

    return write


def _materialised(assessment: Assessment) -> Assessment:
    return attrs.evolve(assessment, explainer=assessment.explanation)
