"""
What the whole suite shares: property tests that repeat themselves exactly, and documentation that is executed.

Run the suite from the root of the project (``pytest``, ``pytest -k money``): this file also collects the examples of
README.md, of the pages in docs/ and of the docstrings in src/, which lie outside its own folder.
"""

from doctest import ELLIPSIS, NORMALIZE_WHITESPACE
from pathlib import Path
from typing import Self

import pytest
from hypothesis import HealthCheck, settings
from sybil import Example, Sybil
from sybil.document import PythonDocStringDocument
from sybil.example import NotEvaluated
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser
from sybil.python import import_path
from sybil.sybil import SybilCollection
from sybil.typing import Parser

ROOT = Path(__file__).parents[1]

# The same examples on every machine and no clock: a red run means that the change is wrong, not that the draw or the
# load of the machine was unlucky. To look for new counterexamples: pytest --hypothesis-profile=search
settings.register_profile(
    "ci", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci")

# Long lines of output may be wrapped, and what is of no interest may be left out as "...".
FLAGS = ELLIPSIS | NORMALIZE_WHITESPACE


class ApartDocstrings(PythonDocStringDocument):
    """A module whose docstrings each start from the module's names alone, so that no example leans on another."""

    def __init__(self, text: str, path: str) -> None:
        super().__init__(text, path)
        self.evaluators.clear()
        self.push_evaluator(self.start_afresh)
        self.starts: list[int] = []
        self.current: int | None = None

    @classmethod
    def parse(cls, path: str, *parsers: Parser, encoding: str = "utf-8") -> Self:
        document = super().parse(path, *parsers, encoding=encoding)
        assert isinstance(document, cls)
        document.starts = sorted(start for start, _, _ in cls.extract_docstrings(document.text))
        return document

    def start_afresh(self, example: Example) -> None:
        """Reset the names when an example opens a docstring, then leave the evaluation to the example's own kind."""
        docstring = max(start for start in self.starts if start <= example.start)
        if docstring != self.current:
            self.current = docstring
            self.namespace.clear()
            self.namespace.update(vars(import_path(Path(self.path))))
        raise NotEvaluated


PAGES = [PythonCodeBlockParser(doctest_optionflags=FLAGS), SkipParser()]
EXAMPLES = (
    Sybil(PAGES, path=str(ROOT), pattern="README.md", exclude="*/README.md"),
    Sybil(PAGES, path=str(ROOT / "docs"), pattern="*.md"),
    Sybil([DocTestParser(FLAGS)], path=str(ROOT / "src"), pattern="*.py", document_types={".py": ApartDocstrings}),
)


class Examples:
    """The examples of the documentation, as tests."""

    pytest_collect_file = staticmethod(SybilCollection(EXAMPLES).pytest())


def pytest_configure(config: pytest.Config) -> None:
    # As a plugin of its own, since hooks of a conftest.py see only what lies beside it.
    config.pluginmanager.register(Examples(), "leadflow-examples")
