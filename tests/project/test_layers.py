"""The layers that the documentation draws are the layers that the import contract enforces."""

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "leadflow"


@pytest.fixture(scope="module")
def contract(pyproject: dict[str, Any]) -> list[set[str]]:
    """The contract's layers, top to bottom, without the parentheses of those that are only planned."""
    contracts = pyproject["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["id"] == "layers"]
    return [{name.strip(" ()") for name in layer.split("|")} for layer in layers]


def test_documented_layers_are_the_contract(contract: list[set[str]]) -> None:
    """The block of layers in docs/architecture.md equals the import contract, line by line."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    [block] = re.findall(r"^```layers\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    documented = [{name.strip() for name in line.split("|")} for line in block.splitlines()]
    assert documented == contract


def test_every_module_is_on_one_layer(contract: list[set[str]]) -> None:
    """No module escapes the contract: each is on exactly one of its lines."""
    listed = sorted(name for layer in contract for name in layer)
    modules = {path.stem for path in PACKAGE.glob("*.py")} | {
        path.parent.name for path in PACKAGE.glob("*/__init__.py")
    }
    assert modules - {"__init__"} <= set(listed)
    assert len(listed) == len(set(listed))
