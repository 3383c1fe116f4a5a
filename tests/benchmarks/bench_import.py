"""How long `import leadflow` takes: whole processes, start of the interpreter included, against `import attrs`."""

from timing import Row, paired_processes

ROUNDS = 15


def rows() -> list[Row]:
    """Measure, and return one row per program; attrs is half of what leadflow imports anyway."""
    nothing = paired_processes("import attrs", "pass", rounds=ROUNDS)
    leadflow = paired_processes("import leadflow", "import attrs", rounds=ROUNDS)
    return [
        leadflow.row("import leadflow", "import attrs", bound=3.0, digits=0),
        nothing.row("import attrs", "start of the interpreter", digits=0),
    ]
