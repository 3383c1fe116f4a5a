"""What the pages in docs/ say is complete and true; that their examples run, Sybil sees to (tests/conftest.py)."""

import re
from contextlib import redirect_stdout
from importlib import import_module
from inspect import isclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from leadflow import errors

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
# What leads readers on without being a page: its links must hold as well.
FRONT = (ROOT / "CHANGELOG.md", ROOT / "README.md")
PACKAGES = (
    ".codec",
    ".conversion",
    ".forecasting",
    ".funnel",
    ".qualification",
    ".stores",
    ".testing",
    ".worklist",
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def fences(page: Path) -> list[tuple[str, str]]:
    """The fenced blocks of a page, in order: language and content."""
    return FENCE.findall(page.read_text(encoding="utf-8"))


def headings(page: Path) -> list[str]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)


def anchor(heading: str) -> str:
    """The anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", [*FRONT, *PAGES], ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page names a file that exists and, where it has an anchor, a heading in it."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        path, _, fragment = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (fragment and fragment not in map(anchor, headings(file))):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", [*FRONT, *PAGES], ids=name_of)
def test_tables_are_rectangles(page: Path) -> None:
    """Every row of a table has as many cells as its head: a stray bar would shift a row."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    tables = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    widths = [{len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()} for table in tables]
    assert [table.splitlines()[0] for table, width in zip(tables, widths, strict=True) if len(width) > 1] == []


@pytest.mark.parametrize("page", [page for page in PAGES if ("text" in dict(fences(page)))], ids=name_of)
def test_shown_output_is_what_is_printed(page: Path) -> None:
    """A ```text block is what the ```python block right before it prints, and names carry on down the page."""
    names: dict[str, Any] = {"__name__": "page"}
    printed: str | None = None
    for language, content in fences(page):
        if language == "text":
            assert printed is not None, f"no python block before {content!r}"
            assert printed.rstrip() == content.rstrip()
        printed = None
        if language == "python":
            with redirect_stdout(StringIO()) as out:
                exec(compile(content, name_of(page), "exec"), names)
            printed = out.getvalue()


def test_what_is_shown_of_the_example_host_is_in_it() -> None:
    """Blocks of ```sql and ```py in the page on stores are quoted from docs/examples/sqlite_host.py, word for word."""
    source = (ROOT / "docs" / "examples" / "sqlite_host.py").read_text(encoding="utf-8")
    quoted = [text for language, text in fences(ROOT / "docs" / "how-to" / "store.md") if language in {"py", "sql"}]
    assert quoted
    assert [text for text in quoted if text not in source] == []


def test_only_the_readme_has_commands_for_a_fresh_clone() -> None:
    """```sh is the README's; other pages show commands as ```console, so that nobody runs them unread."""
    assert [name_of(page) for page in PAGES if "sh" in {language for language, _ in fences(page)}] == []


class TestErrorsPage:
    """docs/errors.md and leadflow.errors name the same errors."""

    page = ROOT / "docs" / "errors.md"
    classes = frozenset(
        name
        for name in errors.__all__
        if isclass(getattr(errors, name)) and issubclass(getattr(errors, name), Exception)
    )

    def sections(self) -> dict[str, str]:
        parts = re.split(r"^## `(\w+)`$", self.page.read_text(encoding="utf-8"), flags=re.MULTILINE)
        return dict(zip(parts[1::2], parts[2::2], strict=True))

    def test_each_error_has_a_section_and_each_section_an_error(self) -> None:
        """Who adds an error writes its section; who takes one out takes the section out."""
        assert set(self.sections()) == self.classes

    @pytest.mark.parametrize("name", sorted(classes))
    def test_a_section_answers_the_three_questions(self, name: str) -> None:
        """When it comes, in what state you are left, what to do; and an example that runs."""
        section = self.sections()[name]
        for part in ("**When.**", "**State.**", "**What to do.**", "```python\n"):
            assert part in section, part

    @pytest.mark.parametrize("name", sorted(classes))
    def test_a_section_names_the_fields(self, name: str) -> None:
        """Every attribute that an error documents is in its section, since fields are the interface."""
        doc = getattr(errors, name).__doc__ or ""
        _, _, attributes = doc.partition("Attributes:\n")
        documented = re.findall(r"^ {8}(\w+): ", attributes, flags=re.MULTILINE)
        assert [field for field in documented if f"`{field}`" not in self.sections()[name]] == []

    def test_the_overview_lists_the_errors_with_their_standard_exceptions(self) -> None:
        """The table at the top has a row per error, with the standard exceptions that it also is."""
        text = self.page.read_text(encoding="utf-8")
        rows = dict(re.findall(r"^\| \[`(\w+)`\]\(#\w+\) \| ([^|]+) \|", text, flags=re.MULTILINE))
        assert set(rows) == self.classes
        for name, also in rows.items():
            for standard in re.findall(r"`(\w+)`", also):
                assert issubclass(getattr(errors, name), getattr(import_module("builtins"), standard))


class TestGlossary:
    """docs/glossary.md names what exists, and its tables are whole."""

    page = ROOT / "docs" / "glossary.md"

    def rows(self) -> list[list[str]]:
        lines = [line for line in self.page.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
        return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]

    def test_names_in_code_are_public(self) -> None:
        """A word that is given as code in the first column can be imported from the public interface."""
        words = {name for row in self.rows() for name in re.findall(r"`(\w+)`", row[0])}
        modules = [import_module(f"leadflow{sub}") for sub in ("", *PACKAGES)]
        public = {name for module in modules for name in module.__all__}
        assert words - public == set()

    def test_each_table_is_a_rectangle(self) -> None:
        """Two columns for meanings, seven for translations: a stray bar would shift a row."""
        assert {len(row) for row in self.rows()} == {2, 7}

    def test_nothing_is_left_blank(self) -> None:
        """No counterpart is said in words, never by an empty cell."""
        assert [row for row in self.rows() if "" in row] == []
