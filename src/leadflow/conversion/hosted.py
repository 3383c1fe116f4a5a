"""
What the host handed over: calling it, and saying what is wrong with it or with what it gives back.

A policy, a router, a source of ids and a store are the host's own code. Where one of them cannot be called as it must,
or returns what it must not, the error names it and says what was expected; what it raises itself passes through.
"""

from collections.abc import Callable
from inspect import getattr_static, isawaitable, iscoroutine, isfunction
from typing import Any

from leadflow.errors import InvalidError, Problem
from leadflow.validation import invalid, shown

__all__ = ["called", "has_method", "wrong_answer"]


def has_method(value: object, name: str) -> bool:
    """Return whether a method can be called on what the host handed over: of a class, only one that needs no object."""
    if not callable(getattr(value, name, None)):
        return False
    return not (isinstance(value, type) and isfunction(getattr_static(value, name)))


def called(path: str, function: Callable[..., Any], /, *arguments: object, takes: str, **named: object) -> Any:  # noqa: ANN401
    """
    Call what the host handed over.

    Args:
        path: Under which name it was handed over, e.g. ``owner``.
        function: What it is.
        *arguments: What it is called with.
        takes: The same in words, for the message.
        **named: The same by name.

    Raises:
        InvalidTypeError: If it cannot be called with these arguments.
    """
    try:
        return function(*arguments, **named)
    except TypeError as error:
        # A traceback that ends here: the call itself failed, and nothing inside the function.
        if error.__traceback__ is None or error.__traceback__.tb_next is not None:
            raise
        rule = f"must take {takes}, got {shown(function)} ({error})"
        raise invalid("conversion", Problem(path, rule, is_type=True)) from None


def wrong_answer(path: str, answer: object, giver: object, must_return: str) -> InvalidError:
    """Return the error about an answer that makes no sense; a coroutine is closed, since nobody will await it."""
    hint = "; it must not be async" if isawaitable(answer) else ""
    rule = f"must return {must_return}, got {shown(answer)} from {shown(giver)}{hint}"
    if iscoroutine(answer):
        answer.close()
    return invalid("conversion", Problem(path, rule, is_type=True))
