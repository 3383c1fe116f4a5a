"""
Collections: tuples as lists, sets as sorted lists without repetition, custom fields as a dict.

Each is made from the forms of its items. Where care is asked for, the problems of all items are collected, each with
its position; else the first one ends it, and nobody reads what it says.
"""

from collections.abc import Callable

from leadflow.codec.problems import collected
from leadflow.codec.scalars import Form, Outside, Value, refused, wrong
from leadflow.fields import Fields
from leadflow.validation import shown

__all__ = ["custom_fields", "listed", "set_of", "together"]


def _items(form: Form, *, careful: bool) -> tuple[Callable[[Outside], list[Value]], Callable[[Value], list[Outside]]]:
    read, write = form
    if careful:
        return (
            lambda plain: collected((f"[{n}]", read, (item, None)) for n, item in enumerate(plain)),
            lambda value: collected((f"[{n}]", write, (item,)) for n, item in enumerate(value)),
        )
    return (
        lambda plain: [read(item, None) for item in plain],
        lambda value: [write(item) for item in value],
    )


def listed(form: Form, *, careful: bool) -> Form:
    """Return the form of a tuple of any length, of items of one form."""
    read_items, write_items = _items(form, careful=careful)

    def read(plain: Outside, _: object = None) -> Value:
        if type(plain) is not list:
            raise wrong("a list", plain)
        return tuple(read_items(plain))

    def write(value: Value) -> Outside:
        if type(value) is not tuple:
            raise wrong("a tuple", value)
        return write_items(value)

    return Form(read, write)


def set_of(form: Form, *, careful: bool) -> Form:
    """Return the form of a frozenset: sorted, so that equal sets have equal lists."""
    read_items, write_items = _items(form, careful=careful)

    def read(plain: Outside, _: object = None) -> Value:
        if type(plain) is not list:
            raise wrong("a list", plain)
        found = frozenset(read_items(plain))
        if len(found) < len(plain):
            raise refused(f"must not repeat, got {shown(plain)}")
        return found

    def write(value: Value) -> Outside:
        if not isinstance(value, frozenset):
            raise wrong("a frozenset", value)
        return sorted(write_items(value))

    return Form(read, write)


def together(forms: tuple[Form, ...]) -> Form:
    """Return the form of a tuple with so many items, each of a form of its own."""
    length = len(forms)

    def read(plain: Outside, _: object = None) -> Value:
        if type(plain) is not list or len(plain) != length:
            raise wrong(f"a list of {length}", plain)
        pairs = enumerate(zip(forms, plain, strict=True))
        return tuple(collected((f"[{n}]", form.read, (item, None)) for n, (form, item) in pairs))

    def write(value: Value) -> Outside:
        if type(value) is not tuple or len(value) != length:
            raise wrong(f"a tuple of {length}", value)
        pairs = enumerate(zip(forms, value, strict=True))
        return collected((f"[{n}]", form.write, (item,)) for n, (form, item) in pairs)

    return Form(read, write)


def custom_fields(form: Form) -> Form:
    """Return the form of `Fields`, whose values have a form."""

    def read(plain: Outside, _: object = None) -> Value:
        if type(plain) is not dict:
            raise wrong("a dict from names to values", plain)
        if not all(type(name) is str for name in plain):
            raise wrong("a dict with names (str) as keys", plain)
        values = collected((name, form.read, (item, None)) for name, item in plain.items())
        return Fields(dict(zip(plain, values, strict=True)))

    def write(value: Value) -> Outside:
        if not isinstance(value, Fields):
            raise wrong("Fields", value)
        return dict(zip(value, collected((name, form.write, (item,)) for name, item in value.items()), strict=True))

    return Form(read, write)
