"""
What is public is what `__all__` lists.

Ruff keeps the lists sorted (RUF022) and wants docstrings (D1) by reading the source; here the modules are asked.
"""

import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import leadflow

PACKAGES = ["leadflow"]
MODULES = ["leadflow"]
for found in pkgutil.walk_packages(leadflow.__path__, "leadflow."):
    MODULES.append(found.name)
    if found.ispkg:
        PACKAGES.append(found.name)


def listed(module: ModuleType) -> dict[str, object]:
    return {name: getattr(module, name, None) for name in getattr(module, "__all__", ())}


@pytest.mark.parametrize("name", MODULES)
class TestEveryModule:
    """Each module says what it offers, and offers it."""

    def test_lists_what_is_public(self, name: str) -> None:
        """There is an `__all__`, without repetition, and every name in it exists."""
        module = importlib.import_module(name)
        assert hasattr(module, "__all__")
        assert len(module.__all__) == len(set(module.__all__))
        assert [missing for missing in module.__all__ if not hasattr(module, missing)] == []

    def test_lists_nothing_private(self, name: str) -> None:
        """No name in `__all__` starts with an underscore, `__version__` aside."""
        names = set(listed(importlib.import_module(name))) - {"__version__"}
        assert [private for private in names if private.startswith("_")] == []

    def test_documents_what_is_public(self, name: str) -> None:
        """Every public class and function has a docstring of its own, not an inherited one."""
        public = listed(importlib.import_module(name)).items()
        assert [
            label
            for label, value in public
            if (inspect.isclass(value) or inspect.isroutine(value)) and not vars(value).get("__doc__", value.__doc__)
        ] == []

    def test_exports_no_name_of_another_library(self, name: str) -> None:
        """What is listed was made here: a class or function from elsewhere is not ours to promise."""
        public = listed(importlib.import_module(name)).items()
        assert [
            label
            for label, value in public
            if (inspect.isclass(value) or inspect.isroutine(value)) and not value.__module__.startswith("leadflow")
        ] == []


@pytest.mark.parametrize("name", PACKAGES)
class TestEveryPackage:
    """A package offers what its modules offer, under its own name."""

    def test_binds_nothing_beside_its_list(self, name: str) -> None:
        """Apart from its modules, a package holds no name that looks public and is not listed."""
        package = importlib.import_module(name)
        bound = {label for label, value in vars(package).items() if not label.startswith("_")}
        modules = {module.rpartition(".")[2] for module in MODULES}
        assert sorted(bound - modules - set(package.__all__)) == []

    def test_takes_only_public_names_from_its_modules(self, name: str) -> None:
        """A class or function that a package lists is listed by the module that defines it too."""
        for label, value in listed(importlib.import_module(name)).items():
            if inspect.isclass(value) or inspect.isroutine(value):
                home = importlib.import_module(value.__module__)
                assert label in home.__all__, f"{name} offers {label}, which {home.__name__} keeps to itself"
