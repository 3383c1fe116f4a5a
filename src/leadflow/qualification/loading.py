"""
Reading a policy from a plain dict, which may come from anywhere.

Every part is read, and every problem noted, before anything is built; a dict that is right becomes a `Policy` through
the same door as one written in Python, so it can do nothing that Python could not.
"""

from typing import Any, Final

from attrs import fields

from leadflow.errors import InvalidError, Problem
from leadflow.qualification.gates import KnockOut, Requirement
from leadflow.qualification.grades import Grades
from leadflow.qualification.plain import SCHEMA, decode, decode_span, unknown_keys
from leadflow.qualification.policy import Policy
from leadflow.qualification.scores import Score
from leadflow.validation import check, invalid

__all__ = ["policy_from_dict"]

_KEYS: Final = frozenset({attribute.name for attribute in fields(Policy)} | {"schema"})


def policy_from_dict(plain: object) -> Policy:
    """
    Return the policy that a dict describes; the dict may come from anywhere.

    >>> policy_from_dict({"schema": 1, "id": "x", "require": [{"node": "require"}]})
    Traceback (most recent call last):
    leadflow.errors.InvalidError: policy_from_dict: require[0].when is missing from 'require'

    Raises:
        InvalidError: Naming everything that is wrong with it, each with the path.
    """
    problems: list[Problem] = []
    given = _decoded(plain, problems)
    check("policy_from_dict", *problems)
    try:
        return Policy(**given)
    except InvalidError as error:
        raise invalid("policy_from_dict", *error.problems) from None


def _decoded(plain: object, problems: list[Problem]) -> dict[str, Any]:
    if not isinstance(plain, dict):
        problems.append(Problem("", f"must be a dict, got a {type(plain).__name__}", is_type=True))
        return {}
    schema = plain.get("schema")
    if isinstance(schema, bool) or not isinstance(schema, int) or schema < 1:
        problems.append(Problem("schema", f"must be {SCHEMA}, got {schema!r}"[:100]))
    elif schema > SCHEMA:
        way_out = "upgrade leadflow to read it"
        problems.append(
            Problem("schema", f"is {schema}, newer than {SCHEMA}, which this version knows; {way_out}"[:150])
        )
    if problems:
        return {}
    problems += unknown_keys(plain, _KEYS, "", "a policy")
    if "id" not in plain:
        problems.append(Problem("id", "is missing"))
    given = {name: plain[name] for name in ("id", "version", "threshold") if name in plain}
    for name, kind in (("knock_out", KnockOut), ("require", Requirement)):
        listed = plain.get(name, [])
        if isinstance(listed, list):
            given[name] = [decode(item, kind, f"{name}[{n}]", problems) for n, item in enumerate(listed)]
        else:
            problems.append(Problem(name, f"must be a list, got a {type(listed).__name__}", is_type=True))
    for name, wanted in (("score", Score), ("grades", Grades)):
        if name in plain:
            given[name] = decode(plain[name], wanted, name, problems)
    if "valid_for" in plain:
        given["valid_for"] = decode_span(plain["valid_for"], "valid_for", problems)
    questions = plain.get("questions", {})
    if isinstance(questions, dict):
        given["questions"] = questions
    else:
        problems.append(Problem("questions", f"must be a dict, got a {type(questions).__name__}", is_type=True))
    return given
