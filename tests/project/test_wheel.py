"""What users install: the wheel holds the package and its types, and works with the runtime dependencies alone."""

import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import distribution, requires
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]

# Imports every module of leadflow where only sys.argv[1] and the standard library can be found (-I -S: no
# site-packages, no PYTHONPATH, no current folder), then tells what was loaded from where. A sub-package of an extra
# cannot be imported there and must say what to install.
IMPORT_EVERYTHING = """
import sys
sys.path.append(sys.argv[1])
import importlib, json, pkgutil
import leadflow, statemachine
names = [found.name for found in pkgutil.walk_packages(leadflow.__path__, "leadflow.")]
refused = {}
for name in names:
    try:
        importlib.import_module(name)
    except ImportError as error:
        refused[name] = str(error)
files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
reachable = [found.name for found in pkgutil.iter_modules()]
print(json.dumps({"names": names, "refused": refused, "files": files, "reachable": reachable}))
"""

# What needs an extra or a test library, and what it says without it.
EXTRAS = {
    "leadflow.codec": "leadflow.codec needs cattrs: pip install leadflow[codec]",
    "leadflow.testing.machine": "No module named 'hypothesis'",
    "leadflow.testing.strategies": "No module named 'hypothesis'",
    "leadflow.testing.suites": "No module named 'pytest'",
}


def runtime_requirements() -> set[str]:
    """The distributions that a user of leadflow without extras has, worked out from what each says it requires."""
    found: set[str] = set()
    waiting = ["attrs", "python-statemachine"]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            lines = [line for line in requires(name) or () if "extra ==" not in line]
            waiting += [re.split(r"[^\w.-]", line, maxsplit=1)[0].lower() for line in lines]
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the working tree by the declared backend, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's content and leadflow's runtime requirements, and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    with ZipFile(wheel) as archive:
        archive.extractall(folder)
    for name in runtime_requirements():
        files = distribution(name)
        tops = {path.parts[0] for path in files.files or () if path.parts[0] not in {"..", "__pycache__"}}
        for top in tops:
            source = Path(str(files.locate_file(top)))
            if source.is_dir():
                shutil.copytree(source, folder / top)
            else:
                shutil.copy(source, folder / top)
    return folder


def test_wheel_holds_the_package_and_its_licence_only(wheel: Path) -> None:
    """Types are marked, the licence is in, and neither tests nor docs nor configuration are."""
    names = ZipFile(wheel).namelist()
    assert "leadflow/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"leadflow"}
    assert [name for name in names if name.startswith("leadflow/") and not name.endswith((".py", "/py.typed"))] == []


def test_wheel_holds_every_module(wheel: Path) -> None:
    """Each module of src is in the wheel."""
    sources = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*.py")}
    assert sources <= set(ZipFile(wheel).namelist())


def test_every_module_imports_with_the_runtime_requirements_alone(installed: Path) -> None:
    """The wheel's modules import where nothing but the standard library, attrs and python-statemachine can be found."""
    command = [sys.executable, "-I", "-S", "-W", "error", "-c", IMPORT_EVERYTHING, str(installed)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout)
    sources = {
        path.relative_to(ROOT / "src").with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
        for path in (ROOT / "src").rglob("*.py")
    }
    assert seen["refused"] == EXTRAS
    assert {*seen["names"], "leadflow"} == {
        name for name in sources if not name.startswith(tuple(f"{extra}." for extra in EXTRAS))
    }
    ours = {name: file for name, file in seen["files"].items() if name.partition(".")[0] == "leadflow"}
    assert [file for file in ours.values() if not Path(file).is_relative_to(installed)] == []
    foreign = {name.partition(".")[0] for name in seen["files"]} - sys.stdlib_module_names
    assert foreign == {"__main__", "leadflow", "attr", "attrs", "statemachine"} - sys.stdlib_module_names
    assert {"pytest", "hypothesis", "sybil"}.isdisjoint(seen["reachable"])
