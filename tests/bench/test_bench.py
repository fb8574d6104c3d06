"""The benchmark, run for real and small: it measures what it says, and its tables are whole."""

import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from backoffice.bench.claims import STEPS
from backoffice.bench.document import write
from backoffice.bench.tables import Section, Table
from tests.processes import Processes

Rows = list[list[str]]


def rows_under(title: str, text: str) -> list[Rows]:
    """The tables of a section: a list of rows of cells each, without their heads."""
    section = text.partition(f"## {title}")[2].partition("\n## ")[0]
    tables = re.findall(r"(?:^\|.*\n?)+", section, re.MULTILINE)
    return [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]] for table in tables
    ]


def number(cell: str) -> float:
    return float(cell.replace(",", ""))


@pytest.mark.slow
def test_the_quick_benchmark_measures_calls_memory_and_pages(processes: Processes) -> None:
    """Issue 2, deliver 10, small: real processes, a real hospital, every table with its figures and ratios."""
    sections = ("recovery", "memory", "worklist")
    bench = processes.manage("bench", *sections, "--quick", "--database", "sqlite", DATABASE_URL="")
    assert bench.ends(within=600) == 0, bench.output

    rates, calls = rows_under("Recovery, one at a time and eight at once", bench.output)
    assert [row[0] for row in rates] == ["SQLite"]
    assert all(number(cell) > 0 for cell in rates[0][1:7])
    asked = {kind: [number(count) for count in counts] for kind, *counts in calls}
    assert len(asked) == 8
    for at_one, at_eight, heard, distinct in asked.values():
        assert at_one == at_eight == heard == distinct > 0
    assert bench.output.count(": yes\n") == 5

    memory, confined = rows_under("Memory", bench.output)
    assert [row[1] for row in memory] == ["60", "240"]
    assert all(20 < number(row[2]) < 1024 for row in memory)
    assert [row[:5] for row in confined] == [["SQLite", "240", "256", "0.5", "complete"]]

    (pages,) = rows_under("Pages of the admin", bench.output)
    assert {"first page", "region and status", "deepest page", "search by id"} <= {row[1] for row in pages}
    assert all(number(cell) > 0 for row in pages for cell in row[2:])


@pytest.mark.slow
@pytest.mark.postgresql
def test_a_night_of_ten_times_the_lines_is_put_beside_the_smaller_one(processes: Processes) -> None:
    bench = processes.manage("bench", "huge", "--quick", DATABASE_URL="")
    assert bench.ends(within=600) == 0, bench.output
    (rows,) = rows_under("A huge night of claims", bench.output)
    assert [row[:2] for row in rows] == [["PostgreSQL", "1,000"], ["PostgreSQL", "10,000"]]
    assert all(row[7] in STEPS and 0 < number(row[8]) < 3 for row in rows)


@pytest.mark.slow
@pytest.mark.postgresql
def test_the_quick_benchmark_of_nights_compares_them_with_appends_and_a_loop(processes: Processes) -> None:
    """Real nights; the Django loop has to come to the same cents and outcomes, or the bench fails."""
    bench = processes.manage("bench", "claims", "--quick", DATABASE_URL="")
    assert bench.ends(within=900) == 0, bench.output
    nights, steps, costs, loops, peaks = rows_under("Nights of claims", bench.output)
    assert [row[0] for row in nights] == ["SQLite"] * 2 + ["PostgreSQL"] * 3
    assert len(steps) == 5
    assert all(number(cell) >= 0 for row in steps for cell in row[1:])
    assert costs[-1][1].startswith("undo of the night")
    assert number(costs[-1][2]) > 0
    assert [row[0] for row in loops] == ["SQLite", "PostgreSQL"]
    assert all(number(row[1]) > 0 and number(row[3]) > 1 for row in loops)
    assert len(peaks) == 4
    assert all(50 < number(row[4]) < 800 for row in peaks)


@pytest.mark.slow
@pytest.mark.postgresql
def test_the_quick_benchmark_of_restarts_kills_a_night_in_each_of_its_steps(processes: Processes) -> None:
    """Really killed nights, each of which has to complete after its restart, or the bench fails."""
    bench = processes.manage("bench", "restarts", "--quick", DATABASE_URL="")
    assert bench.ends(within=600) == 0, bench.output
    (restarts,) = rows_under("Restarts of a night's steps", bench.output)
    steps = ["extract", "validate", "enrich", "price", "adjudicate", "remit"]
    assert [row[1:3] for row in restarts] == [[often, step] for often in ("20,000", "default") for step in steps]
    assert all(number(cell) > 0 for row in restarts for cell in row[3:5])


@pytest.mark.slow
def test_the_quick_benchmark_writes_837ps_and_counts_what_it_wrote(processes: Processes) -> None:
    """Issue 5: claims a second, with and without rules, and memory that does not grow with them."""
    bench = processes.manage("bench", "edi", "--quick", "--database", "sqlite", DATABASE_URL="")
    assert bench.ends(within=300) == 0, bench.output
    (written,) = rows_under("Writing 837Ps", bench.output)
    assert [(row[0], row[1]) for row in written] == [
        ("written", "500"),
        ("written", "2,000"),
        ("with the rules", "500"),
        ("with the rules", "2,000"),
    ]
    assert all(number(row[4]) > 0 and 5 < number(row[8]) < 256 for row in written)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["pages"],
            "No section is called pages. Sections: recovery, memory, worklist, claims, restarts, sync, edi, load",
        ),
        (["--quick", "--write"], "leave out --quick"),
        (["--write", "--database", "sqlite"], "leave out --quick and --database"),
    ],
)
def test_wrong_use_is_told_before_anything_is_measured(arguments: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=re.escape(says)) as refused:
        call_command("bench", *arguments)
    assert refused.value.returncode == 2


def test_a_section_that_is_measured_again_takes_the_place_of_its_last_figures(tmp_path: Path) -> None:
    def section(title: str, figure: str) -> Section:
        table = Table(columns=("database", "s"), rows=[("SQLite", figure)])
        return Section(title=title, how="How it was measured.", blocks=[table])

    file = tmp_path / "docs" / "benchmarks.md"
    write(file, [section("Memory", "1.5"), section("Pages", "20.0")])
    write(file, [section("Memory", "3.25")])

    text = file.read_text()
    assert rows_under("Memory", text) == [[["SQLite", "3.25"]]]
    assert rows_under("Pages", text) == [[["SQLite", "20.0"]]]
    assert text.count("## ") == 2
    assert text.startswith("# Benchmarks\n")


def test_the_huge_night_is_refused_where_there_is_no_room_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, before anything is made."""
    monkeypatch.setattr("backoffice.management.commands.bench.HUGE_DISK", 10**18)
    with pytest.raises(CommandError, match=r"huge needs 60 GB of room at .+\.") as refused:
        call_command("bench", "huge")
    assert refused.value.returncode == 2


@pytest.mark.slow
def test_the_quick_benchmark_of_the_phone_sync_counts_on_the_servers_and_compares_with_the_loop(
    processes: Processes,
) -> None:
    """Real syncs and a real loop; the servers' own counts have to be the run's, or the bench fails."""
    bench = processes.manage("bench", "sync", "--quick", "--database", "sqlite", DATABASE_URL="")
    assert bench.ends(within=600) == 0, bench.output
    speeds, lengths = rows_under("The phone sync", bench.output)
    assert [row[1] for row in speeds] == ["0", "50"]
    assert all(number(cell) > 0 for row in speeds for cell in row[1:7] if cell != "0")
    assert all(number(row[3]) > number(row[4]) for row in speeds)
    assert [row[1] for row in lengths] == ["200", "600"]
    assert all(row[6] == "met" and 50 < number(row[8]) < 256 for row in lengths)


@pytest.mark.slow
def test_the_quick_benchmark_reads_835s_from_files_and_bytes(processes: Processes) -> None:
    """Issue 5: claims a second, and memory that does not grow with them; what was read has to be all there is."""
    bench = processes.manage("bench", "edi", "--quick", "--database", "sqlite", DATABASE_URL="")
    assert bench.ends(within=300) == 0, bench.output
    (readings,) = rows_under("Reading 835s", bench.output)
    assert [(row[0], row[1]) for row in readings] == [
        ("file", "500"),
        ("file", "2,000"),
        ("bytes", "500"),
        ("bytes", "2,000"),
    ]
    assert all(number(row[4]) > 0 and 5 < number(row[6]) < 256 for row in readings)
