"""`import leadflow` costs what attrs costs: no I/O, no engine, no extra."""

import json
import subprocess
import sys

import pytest

IO_MODULES = {"_socket", "_sqlite3", "_ssl", "asyncio", "socket", "sqlite3", "ssl", "subprocess"}


def modules_after(statement: str) -> set[str]:
    """Return the names of all modules loaded in a fresh interpreter that ran the statement."""
    script = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout))


@pytest.fixture(scope="module")
def added() -> set[str]:
    """What `import leadflow` loads that `import attrs` alone does not."""
    return modules_after("import leadflow") - modules_after("import attrs")


def test_something_is_measured(added: set[str]) -> None:
    """The comparison sees leadflow's own modules, so that an empty difference cannot pass for a clean one."""
    assert "leadflow" in added


def test_no_io_module_is_loaded(added: set[str]) -> None:
    """Neither sockets nor TLS, databases, event loops or processes come with the import."""
    assert sorted(added & IO_MODULES) == []


def test_the_engine_is_not_loaded(added: set[str]) -> None:
    """python-statemachine is a dependency, but only charts and diagrams load it."""
    assert "statemachine" not in added


def test_nothing_is_loaded_from_outside_the_standard_library(added: set[str]) -> None:
    """No extra, and no other package either: what is added is leadflow itself or the standard library's."""
    packages = {name.partition(".")[0] for name in added} - {"leadflow", "attr", "attrs"}
    assert sorted(packages - sys.stdlib_module_names) == []
