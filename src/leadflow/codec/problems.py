"""
What is wrong with a dict, part by part: from what was raised while reading it to problems with paths.

Theory. Every reader and writer raises one `InvalidError` with paths from where it stands; whoever holds the part puts
its own name in front. cattrs collects what the attributes of one class raise; `told` turns that into problems.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from cattrs.errors import AttributeValidationNote, ClassValidationError, ForbiddenExtraKeysError

from leadflow.errors import HistoryError, InvalidError, Problem, did_you_mean
from leadflow.validation import invalid

__all__ = ["collected", "told"]


def collected(parts: Iterable[tuple[str, Callable[..., Any], tuple[Any, ...]]]) -> list[Any]:
    """
    Call a function per part and return what they return.

    Args:
        parts: Per part its path, the function and what it takes.

    Raises:
        InvalidError: With the problems of all parts, each with its path.
    """
    values: list[Any] = []
    problems: list[Problem] = []
    for path, make, given in parts:
        try:
            values.append(make(*given))
        except InvalidError as error:
            problems += [problem.under(path) for problem in error.problems]
    if problems:
        raise invalid("", *problems)
    return values


def told(error: ClassValidationError, name: str, keys: Mapping[str, str]) -> Iterator[Problem]:
    """
    Yield what is wrong with the dict of a class.

    Args:
        error: What cattrs raised: one exception per attribute, or the one that the class itself raised.
        name: What to call the class.
        keys: Per attribute its key in the dict.
    """
    for one in error.exceptions:
        noted = next(
            (note for note in getattr(one, "__notes__", ()) if isinstance(note, AttributeValidationNote)), None
        )
        match one:
            case InvalidError() if noted is not None:
                yield from (problem.under(keys[noted.name]) for problem in one.problems)
            case InvalidError():
                yield from one.problems
            case HistoryError():
                yield Problem(f"history[{one.position}]", one.rule)
            case KeyError() if noted is not None:
                yield Problem(keys[noted.name], "is missing")
            case ForbiddenExtraKeysError():
                for key in sorted(one.extra_fields, key=str):
                    yield Problem(str(key)[:80], f"is no part of {name!r}{did_you_mean(str(key)[:80], keys.values())}")
            case _:
                # No class should stumble like this; if one does, the dict is to blame and not the caller's code.
                yield Problem("", f"cannot be made ({type(one).__name__}: {one})")
