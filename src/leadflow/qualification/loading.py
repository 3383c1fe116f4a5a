"""
Reading a policy from a plain dict, which may come from anywhere.

Every part is read, and every problem noted, before anything is built; a dict that is right becomes a `Policy` through
the same door as one written in Python, so it can do nothing that Python could not.
"""

from typing import Any, Final

from attrs import fields

from leadflow.errors import InvalidError, Problem
from leadflow.qualification.combine import Combined
from leadflow.qualification.gates import KnockOut, Requirement
from leadflow.qualification.grades import Grades
from leadflow.qualification.plain import SCHEMA, decode, decode_span, unknown_keys
from leadflow.qualification.policy import Policy
from leadflow.qualification.scores import Score
from leadflow.validation import invalid

__all__ = ["policy_from_dict"]

_KEYS: Final = frozenset({attribute.name for attribute in fields(Policy)} | {"schema"})
_COMBINED_KEYS: Final = frozenset({attribute.name for attribute in fields(Combined)} | {"schema"})
# Policies within policies within policies: three are plenty.
_MOST_DEPTH: Final = 10


def policy_from_dict(plain: object) -> Policy | Combined:
    """
    Return the policy that a dict describes; the dict may come from anywhere.

    >>> policy_from_dict({"schema": 1, "id": "x", "require": [{"node": "require"}]})
    Traceback (most recent call last):
    leadflow.errors.InvalidError: policy_from_dict: require[0].when is missing from 'require'

    Returns:
        A `Policy`, or a `Combined` where the dict has ``policies``.

    Raises:
        InvalidError: Naming everything that is wrong with it, each with the path.
    """
    problems: list[Problem] = []
    policy = _policy(plain, "", problems, 0)
    if policy is None:
        raise invalid("policy_from_dict", *problems)
    return policy


def _policy(plain: object, path: str, problems: list[Problem], depth: int) -> Policy | Combined | None:
    """Return a policy, or None after noting what is wrong with it."""
    if depth > _MOST_DEPTH:
        problems.append(Problem(path, f"must not be nested more than {_MOST_DEPTH} deep"))
        return None
    wrong = _schema_problem(plain)
    mine = [] if wrong is None else [wrong]
    given: dict[str, Any] = {}
    combined = isinstance(plain, dict) and "policies" in plain
    if isinstance(plain, dict) and wrong is None:
        mine += unknown_keys(
            plain, _COMBINED_KEYS if combined else _KEYS, "", "a combination" if combined else "a policy"
        )
        mine += [Problem("id", "is missing")] if "id" not in plain else []
        given = _combination(plain, mine, depth) if combined else _parts(plain, mine)
    try:
        if not mine:
            return Combined(**given) if combined else Policy(**given)
    except InvalidError as error:
        mine += error.problems
    problems += [problem.under(path) for problem in mine] if path else mine
    return None


def _schema_problem(plain: object) -> Problem | None:
    if not isinstance(plain, dict):
        return Problem("", f"must be a dict, got a {_type(plain)}", is_type=True)
    schema = plain.get("schema")
    if isinstance(schema, bool) or not isinstance(schema, int) or schema < 1:
        return Problem("schema", f"must be {SCHEMA}, got {schema!r}"[:100])
    if schema > SCHEMA:
        return Problem("schema", f"is newer than {SCHEMA}, which this version knows; upgrade leadflow to read it")
    return None


def _combination(plain: dict[str, Any], problems: list[Problem], depth: int) -> dict[str, Any]:
    given: dict[str, Any] = {name: plain[name] for name in ("id", "version", "how", "quorum") if name in plain}
    listed = plain["policies"]
    if not isinstance(listed, list):
        problems.append(Problem("policies", f"must be a list, got a {_type(listed)}", is_type=True))
        return given
    parts = [_policy(item, f"policies[{position}]", problems, depth + 1) for position, item in enumerate(listed)]
    return given | {"policies": tuple(parts)}


def _parts(plain: dict[str, Any], problems: list[Problem]) -> dict[str, Any]:
    given: dict[str, Any] = {name: plain[name] for name in ("id", "version", "threshold") if name in plain}
    for name, kind in (("knock_out", KnockOut), ("require", Requirement)):
        listed = plain.get(name, [])
        if isinstance(listed, list):
            given[name] = [decode(item, kind, f"{name}[{n}]", problems) for n, item in enumerate(listed)]
        else:
            problems.append(Problem(name, f"must be a list, got a {_type(listed)}", is_type=True))
    for name, wanted in (("score", Score), ("grades", Grades)):
        if name in plain:
            given[name] = decode(plain[name], wanted, name, problems)
    if "valid_for" in plain:
        given["valid_for"] = decode_span(plain["valid_for"], "valid_for", problems)
    questions = plain.get("questions", {})
    if isinstance(questions, dict):
        given["questions"] = questions
    else:
        problems.append(Problem("questions", f"must be a dict, got a {_type(questions)}", is_type=True))
    return given


def _type(value: object) -> str:
    return type(value).__name__
