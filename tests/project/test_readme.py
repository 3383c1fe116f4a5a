"""The README's two commands are the ones that are run: `.ci/run` takes them from there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def commands() -> list[str]:
    """The shell blocks of the README."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^```sh\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)


def test_there_are_two_commands_of_one_line(commands: list[str]) -> None:
    """One shows the quickstart, the other runs the tests; each is one line that starts from nothing."""
    assert [command.count("\n") for command in commands] == [1, 1]
    assert all(command.startswith("python3 -m venv ") for command in commands)
    quickstart, tests = commands
    assert quickstart.rstrip().endswith("docs/examples/quickstart.py")
    assert "pytest" in tests


def test_the_quickstart_needs_no_extra(commands: list[str]) -> None:
    """The first command installs the library alone, the second with the tools for its development."""
    quickstart, tests = commands
    assert "[" not in quickstart
    assert "'.[dev]'" in tests


def test_ci_takes_the_commands_from_the_readme(commands: list[str]) -> None:
    """`.ci/run` reads both commands out of the README and repeats neither."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.count("readme_command ") >= len(commands)
    assert [command for command in commands if command.strip() in script] == []
