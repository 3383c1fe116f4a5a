"""docs/reference/conversion-rules.md is what tests/project/rules.py prints, and no rule is without proof."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, as it is when run as a program."""
    monkeypatch.syspath_prepend(str(HERE))
    import rules  # noqa: PLC0415

    return rules


def test_the_page_is_what_the_script_prints(rules: ModuleType) -> None:
    """Who adds a test class of a rule, or changes what one claims, prints the page anew."""
    said = rules.PAGE.read_text(encoding="utf-8")
    assert said == rules.page(), f"run: {Path(sys.executable).name} tests/project/rules.py > {rules.PAGE.name}"


def test_each_class_names_a_rule_that_there_is(rules: ModuleType) -> None:
    """No number beyond the last, and every class says what it claims."""
    assert [proof for proof in rules.proofs() if proof.rule not in rules.RULES or not proof.claim] == []


def test_each_rule_is_proved(rules: ModuleType) -> None:
    """One class of tests at the least."""
    assert sorted(set(rules.RULES) - {proof.rule for proof in rules.proofs()}) == []
