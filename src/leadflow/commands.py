"""
What every command says when it is called wrongly: its own name, the argument, and the way out.

Theory. A command checks its input where the event is made, so errors would name the event. `command` wraps a method and
gives such an error the command's name, which is what the caller knows; and where Python itself refuses a call (a
forgotten ``at=``, a misspelt keyword), it says which argument, as an `InvalidTypeError` like all others, together with
what is wrong besides. A call that is right passes through.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from leadflow.errors import InvalidError, Problem, did_you_mean
from leadflow.events import When
from leadflow.validation import invalid

__all__ = ["command"]

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

# Where the name of an argument ends in a path.
_START: Final = re.compile(r"[.\[]")
_WHEN: Final = tuple(When.__annotations__)
# What `correct` does not change, and what does.
_INSTEAD: Final[Mapping[str, str]] = {
    "amount": "set_amount",
    "consents": "record_consent",
    "discovery": "discover",
    "engagements": "engage",
    "expected_close": "set_expected_close",
    "next_step": "set_next_step",
    "owner": "assign",
    "probability": "set_probability",
    "recurring": "set_amount",
    "stage": "move_to",
    "touches": "touch",
}


def command(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Make a method say its own name in what it refuses."""

    @wraps(function)
    def called(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        try:
            return function(*args, **kwargs)
        except InvalidError as error:
            name = _name(function, args)
            if error.subject == name:
                raise
            raise type(error)(name, error.problems) from None
        except TypeError:
            problems = list(_misused(function, args, kwargs))
            if not problems:
                raise
            besides = _besides(function, args, kwargs, problems)
            raise invalid(_name(function, args), *problems, *besides) from None

    return called


def _name(function: Callable[..., object], args: tuple[Any, ...]) -> str:
    owner = args[0] if args else None
    return f"{owner.__name__}.{function.__name__}" if isinstance(owner, type) else function.__name__


def _besides(
    function: Callable[..., object], args: tuple[object, ...], kwargs: Mapping[str, object], told: Iterable[Problem]
) -> list[Problem]:
    """
    Return what is wrong with the other arguments: what the call says without those that there are not.

    A command changes nothing, so it may be called once more; what is missing is None meanwhile.
    """
    misused = {problem.path for problem in told}
    rest = {name: value for name, value in kwargs.items() if name not in misused}
    try:
        function(*args, **rest, **dict.fromkeys(misused - kwargs.keys()))
    except InvalidError as error:
        return [problem for problem in error.problems if _START.split(problem.path)[0] not in misused]
    except Exception:  # noqa: BLE001 - of a call that was wrong anyhow
        return []
    return []


def _misused(
    function: Callable[..., object], args: tuple[object, ...], kwargs: Mapping[str, object]
) -> Iterator[Problem]:
    """Yield what is wrong with the arguments as such: those that are missing, those that there are not."""
    # Only a call that failed needs it; it would take a twentieth of `import leadflow`.
    from inspect import Parameter, signature  # noqa: PLC0415

    parameters = signature(function).parameters
    named = [p for p in parameters.values() if p.kind not in {Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL}]
    positional = [p.name for p in named if p.kind is not Parameter.KEYWORD_ONLY]
    given = {*positional[: len(args)], *kwargs}
    known = [p.name for p in named[1:]]
    if "when" in parameters:
        known += _WHEN
    takes_any = "when" not in parameters and len(named) != len(parameters)  # and judges them by itself
    for name in kwargs:
        if name not in known and not takes_any:
            better = _INSTEAD.get(name) if function.__name__ == "correct" else None
            hint = f"; use {better}" if better else did_you_mean(name, known)
            yield Problem(name, f"is no argument of {function.__name__}{hint}", is_type=True)
    for parameter in named[1:]:
        if parameter.default is Parameter.empty and parameter.name not in given:
            yield Problem(parameter.name, "must be given", is_type=True)
    if "when" in parameters and "at" not in kwargs:
        yield Problem("at", "must be given: when it happened, a timezone-aware datetime", is_type=True)
