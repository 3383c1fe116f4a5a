"""
The rules of conversion and the tests that prove each: ``python tests/project/rules.py`` prints the page about them.

A test class whose name begins with ``TestRule`` and a number proves that rule; its docstring says what it claims.
`docs/reference/conversion-rules.md` is what this prints, and a test keeps it so.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "conversion-rules.md"

RULES = {
    1: "Plan, then apply. Planning is pure; a plan says all that would be written; applying plans again and compares.",
    2: "All or nothing. One commit covers records, events and the receipt; the lead is marked last.",
    3: "Idempotent. Same key and same request: the first result. Same key, other request: an error.",
    4: "Optimistic versions, and expected absences: what had no record when planning must have none when writing.",
    5: "Typed refusals, never silent skips.",
    6: "All problems at once, each with its path; nothing is truncated.",
    7: "Codes and categories, never labels.",
    8: "Combinations that make no sense are refused.",
    9: "Matching explains itself. A name or a phone number alone never decides; several matches stop.",
    10: "Fill blanks only; overwriting is explicit, per field. What belongs together moves together.",
    11: "Declared, type-checked mapping; every value that goes nowhere is listed.",
    12: "What is known is carried by default; consent only tightens.",
    13: "The owner is explicit; a queue or an inactive owner is refused.",
    14: "The terms of a deal are explicit; every default is listed.",
    15: "Exactly one primary contact where there are contacts.",
    16: "People without a company get an account of their own or none, as configured.",
    17: "The lead is kept, linked both ways; converting again needs a reason.",
    18: "Evidence is stored; overriding a verdict needs somebody and a reason.",
    19: "Undoing restores every field while nothing downstream has moved, and leaves a trace.",
    20: "Merging picks a survivor by a total order, each field by a named rule, and can be undone.",
    21: "Bulk is the same code per item: isolated, repeatable, owners in turn.",
    22: "Events come once and in order, with ids and versions.",
    23: "Somebody known who comes again is no new lead.",
}

INTRODUCTION = """\
# The rules of conversion, and their proof

What `leadflow.conversion` and `leadflow.stores` keep to, in twenty-three rules. Each is proved by tests: the classes
named here, whose first sentence is the claim. Run those of one rule with `pytest -k TestRule09`.

This page is printed by `python tests/project/rules.py`; do not edit it.
"""


class Proof(NamedTuple):
    """A class of tests."""

    rule: int
    path: str
    name: str
    claim: str


def proofs() -> list[Proof]:
    """Return the test classes that prove a rule, by rule, then by file and place in it."""
    return sorted(_proofs(), key=lambda proof: (proof.rule, proof.path))


def _proofs() -> Iterator[Proof]:
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and (found := re.match(r"TestRule(\d\d)", node.name)):
                claim = " ".join((ast.get_docstring(node) or "").split())
                yield Proof(int(found[1]), path.relative_to(ROOT).as_posix(), node.name, claim)


def page() -> str:
    """Return the page."""
    found = proofs()
    lines = [INTRODUCTION]
    for number, rule in RULES.items():
        lines += [f"## Rule {number}", "", rule, "", "| proved by | which claims | in |", "|---|---|---|"]
        lines += [
            f"| `{proof.name}` | {proof.claim.replace('|', chr(92) + '|')} | "
            f"[{Path(proof.path).name}](../../{proof.path}) |"
            for proof in found
            if proof.rule == number
        ]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
