"""The example `crm_export.py`, run as its user runs it, on a small made-up export of the same layout."""

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs" / "examples" / "crm_export.py"
SMALL = Path(__file__).parent / "crm_export"


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-W", "error", str(SCRIPT), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def changed(folder: Path, file: str, content: str) -> Path:
    """The small export in a new folder, with one file replaced."""
    shutil.copytree(SMALL, folder)
    (folder / file).write_text(content, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def printed() -> str:
    done = run(SMALL)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


class TestReport:
    """The figures are those one gets by hand from the twelve rows."""

    def test_state(self, printed: str) -> None:
        """Rows, deals and what was won are counted as of the last day of the export."""
        assert "State as of 2024-03-31: 12 rows, 5 not taken, 7 deals known by then" in printed
        assert "prospecting 1, engaging 2, won 3 (worth 10,530.25 USD), lost 1" in printed

    @pytest.mark.parametrize(
        ("key", "figures"),
        [
            ("2024-02", ["380.00"]),
            ("2024-03", ["10,150.25"]),
            ("North", ["1,200.00", "1,530.25"]),
            ("South", ["9,000.50", "9,000.00"]),
        ],
    )
    def test_rollups(self, printed: str, key: str, figures: list[str]) -> None:
        """Won deals fall into the month they closed in, open ones into their agent's region at list price."""
        line = next(line for line in printed.splitlines() if line.split()[:1] == [key])
        assert [figure for figure in figures if figure not in line.split()] == []

    def test_products(self, printed: str) -> None:
        """Win rates are won over decided; the open pipeline is the list price of what is open."""
        assert "Desk                  1      1     50.0%      1   9,000.50 USD" in printed
        assert "Lamp Two              1      0    100.0%      1   1,200 USD" in printed

    def test_refused_rows_enter_no_figure(self, tmp_path: Path) -> None:
        """With the refused rows taken out, or with more of them, the figures are the same."""
        lines = (SMALL / "sales_pipeline.csv").read_text(encoding="utf-8").splitlines()
        more = [
            "Y-1,Ada Obi,Chair,Northwind,Won,2099-01-01,2099-01-01,10",
            "Y-2,Ada Obi,Desk,Northwind,Won,2024-01-02,2024-01-03,x",
            f"{'Y' * 200},Ada Obi,Desk,Northwind,Won,2024-01-02,2099-01-03,10",
        ]
        printed = []
        for name, rows in (("without", lines[:8]), ("with", [*lines, *more])):
            done = run(changed(tmp_path / name, "sales_pipeline.csv", "\n".join(rows)))
            assert (done.returncode, done.stderr) == (0, "")
            printed.append(done.stdout)
        parts = [text.partition("Rows not taken")[0].split("deals known by then") for text in printed]
        assert parts[0][1] == parts[1][1]
        assert [part[0] for part in parts] == [
            "State as of 2024-03-31: 7 rows, 0 not taken, 7 ",
            "State as of 2024-03-31: 15 rows, 8 not taken, 7 ",
        ]

    def test_as_of(self) -> None:
        """As of an earlier day only what had happened by then is there, list prices included."""
        earlier = run(SMALL, "--as-of", "2024-02-15").stdout
        assert "4 deals known by then" in earlier
        assert "prospecting 0, engaging 3, won 1 (worth 380 USD), lost 0" in earlier


class TestRowsNamed:
    """Every row that could not be taken or had to be completed is named, with every reason."""

    @pytest.mark.parametrize(
        "words",
        [
            "line 9 (W-1): opportunity_id 'W-1' was in line 2 already",
            "engage_date must be a date such as 2017-03-01, got '2024-13-10'; close_date must be a date such as",
            "got '2024-02-30'; close_value must be an amount when the deal is Won, got 'many'",
            "line 11 (X-2): deal_stage must be Prospecting, Engaging, Won or Lost, got 'Daydreaming'; product is not",
            "line 12 (X-3): close_date 2024-03-01 is before engage_date 2024-03-10",
            "line 13 (no id): opportunity_id is empty; close_date is empty although the deal is Lost",
        ],
    )
    def test_refused(self, printed: str, words: str) -> None:
        """A row is refused with all its problems at once."""
        assert words in printed

    @pytest.mark.parametrize(
        ("reason", "ids"),
        [
            ("no engage_date: taken as known from the last day of the export (1 row)", "P-1"),
            ("no close_value: the list price stands in, tagged amount_is_list_price (3 rows)", "E-1 E-2 P-1"),
            ("no account: left unknown (1 row)", "E-1"),
            ("account is not in accounts.csv: kept as it stands (1 row)", "E-2"),
            ("product 'LampTwo' read as 'Lamp Two' (1 row)", "W-2"),
            ("sales_agent is not in sales_teams.csv: region left unknown (1 row)", "P-1"),
        ],
    )
    def test_completed(self, printed: str, reason: str, ids: str) -> None:
        """What was completed is said per reason, with the ids of the rows."""
        lines = [line.strip() for line in printed.splitlines()]
        assert lines[lines.index(reason) + 1] == ids


class TestOddRows:
    """Rows that are a little wrong are refused or completed under their true name."""

    head = (SMALL / "sales_pipeline.csv").read_text(encoding="utf-8").splitlines()[0]

    def printed(self, tmp_path: Path, *rows: str) -> str:
        good = "W-1,Ada Obi,Lamp One,Northwind,Won,2024-01-10,2024-02-05,380"
        return run(changed(tmp_path / "export", "sales_pipeline.csv", "\n".join([self.head, good, *rows]))).stdout

    @pytest.mark.parametrize("day", ["20240220", "2024-W08-4", "2024-2-20", "2024-02-30"])
    def test_dates_in_one_form(self, tmp_path: Path, day: str) -> None:
        """Only YYYY-MM-DD is a date, in every version of Python."""
        printed = self.printed(tmp_path, f"E-9,Ada Obi,Desk,Northwind,Engaging,{day},,")
        assert f"line 3 (E-9): engage_date must be a date such as 2017-03-01, got '{day}'" in printed

    def test_more_cells_than_columns(self, tmp_path: Path) -> None:
        """The cells are shown, since one of the others may be in a wrong column."""
        printed = self.printed(tmp_path, "E-9,Ada Obi,Desk,Northwind,Inc.,Engaging,2024-02-20,,,")
        assert "line 3 (E-9): more cells than columns: '', ''" in printed

    def test_open_deals_with_a_value(self, tmp_path: Path) -> None:
        """What is given is used, untagged; what is no amount is refused; 0 says nothing."""
        row = "{},Ada Obi,Desk,Northwind,{},2024-02-20,{},{}".format
        printed = self.printed(
            tmp_path,
            row("E-7", "Engaging", "", "5000"),
            row("E-8", "Engaging", "", "0"),
            row("E-9", "Engaging", "", "much"),
            row("L-9", "Lost", "2024-03-01", "70"),
        )
        assert "close_value although the deal is Engaging: taken as its amount (1 row)\n    E-7" in printed
        assert "close_value although the deal is Lost: taken as its amount (1 row)\n    L-9" in printed
        assert "no close_value: the list price stands in, tagged amount_is_list_price (1 row)\n    E-8" in printed
        assert "line 5 (E-9): close_value must be an amount or empty, got 'much'" in printed
        assert "14,000.50 USD" in printed  # 5,000 and one list price


class TestCommandLine:
    """The command line answers in words."""

    def test_a_day_that_is_none(self) -> None:
        """Status 2, with the form that is expected."""
        done = run(SMALL, "--as-of", "2025")
        assert done.returncode == 2
        assert "argument --as-of: must be a date such as 2017-03-01, got '2025'" in done.stderr

    def test_a_reader_that_stops(self) -> None:
        """A pipe that is closed, as by head, ends the report quietly."""
        read, write = os.pipe()
        os.close(read)
        command = [sys.executable, "-W", "error", str(SCRIPT), str(SMALL)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False, env=environment)
        os.close(write)
        assert (done.returncode, done.stderr) == (0, b"")


class TestBadExports:
    """An export that cannot be read at all ends with status 2 and says why on standard error."""

    def test_no_folder(self, tmp_path: Path) -> None:
        """A path without files is named."""
        done = run(tmp_path / "nowhere")
        assert done.returncode == 2
        assert "sales_pipeline.csv cannot be read" in done.stderr

    @pytest.mark.parametrize(
        ("file", "content", "words"),
        [
            ("sales_pipeline.csv", "opportunity_id,product\nO-1,Desk\n", "column sales_agent, account, deal_stage"),
            ("products.csv", "product,sales_price\nDesk,cheap\n", "sales_price must be an amount, is not for Desk"),
            ("accounts.csv", "", "column account is missing"),
            ("accounts.csv", "account\nNorthwind,x\n", "more cells than columns in line 2 ('x')"),
            ("products.csv", "product,sales_price\nDesk,1\nDe sk,2\n", "must be there once, got Desk, De sk"),
        ],
    )
    def test_broken_file(self, tmp_path: Path, file: str, content: str, words: str) -> None:
        """A file without its columns, or a price list without prices, is named with what is wrong."""
        done = run(changed(tmp_path / "export", file, content))
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr

    def test_no_row_to_go_by(self, tmp_path: Path) -> None:
        """Where no row can be taken there is no report, but each row is named."""
        done = run(changed(tmp_path / "export", "sales_pipeline.csv", f"{TestOddRows.head}\nX-1,A,Chair,B,Won,,,\n"))
        assert (done.returncode, done.stdout) == (2, "")
        assert "no row that can be taken has a date" in done.stderr
        assert "line 2 (X-1): close_date is empty although the deal is Won" in done.stderr


class TestProgress:
    """A progress bar is shown on standard error when that is a terminal, and only then."""

    def test_on_a_terminal(self) -> None:
        """The bar reaches the last row."""
        ours, theirs = pty.openpty()
        command = [sys.executable, str(SCRIPT), str(SMALL)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=theirs, check=True, env=environment)
        os.close(theirs)
        shown = os.read(ours, 10_000).decode()
        os.close(ours)
        assert "12/12 rows" in shown
