"""Each file says what it is about, and stays short enough to be read in one sitting."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))

LONGEST = 400
# Modules that may be longer, each with the reason why splitting it would not help the reader.
LONGER: dict[str, str] = {}


def label(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=label)
class TestEverySource:
    """What holds for each module of the library."""

    def test_opens_with_a_docstring(self, path: Path) -> None:
        """A module starts by saying what it is for."""
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))

    def test_is_short(self, path: Path) -> None:
        """A module has at most 400 lines, unless `LONGER` says why not; an exception that is no longer needed goes."""
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert (lines > LONGEST) == (label(path) in LONGER), f"{label(path)} has {lines} lines"


@pytest.mark.parametrize("package", [path for path in SOURCES if path.name == "__init__.py"], ids=label)
def test_a_reading_order_names_every_module(package: Path) -> None:
    """A sub-package that says in what order to read it leaves no module out."""
    doc = ast.get_docstring(ast.parse(package.read_text(encoding="utf-8"))) or ""
    if "Read in this order" in doc or "Read bottom-up" in doc:
        modules = {path.stem for path in package.parent.glob("*.py")} - {"__init__"}
        assert sorted(name for name in modules if f"`{name}`" not in doc) == []


def test_exceptions_name_modules_that_exist() -> None:
    """`LONGER` holds no leftovers, and a reason for each."""
    assert set(LONGER) <= {label(path) for path in SOURCES}
    assert all(LONGER.values())


@pytest.mark.parametrize("path", TESTS, ids=label)
def test_tests_state_their_claims(path: Path) -> None:
    """Every test has a docstring: the claim that it proves."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [
        f"{node.name} (line {node.lineno})"
        for node in functions
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ] == []
