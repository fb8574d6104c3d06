"""What a region has, 256 MiB and half a core, is enough for whole jobs of its workers."""

import sys
from pathlib import Path

import pytest

from backoffice.bench.databases import Sqlite
from backoffice.bench.hospital import make_data
from backoffice.bench.processes import REGION_MIB, BenchFailed, environment, measured
from backoffice.bench.recoveries import recover
from backoffice.bench.syncs import UNPACED, synced

TAKE = "import sys; kept = bytes(int(sys.argv[1]) * 2**20); print(len(kept))"
SPIN = "import time; end = time.monotonic() + 1.0\nwhile time.monotonic() < end: pass"


@pytest.mark.parametrize(("mib", "given"), [(100, True), (REGION_MIB, False)])
def test_a_confined_process_is_given_256_mib_of_address_space_and_no_more(
    tmp_path: Path, mib: int, given: bool
) -> None:
    """[S1-05] The bound is the kernel's: RLIMIT_AS."""
    program = (sys.executable, "-I", "-S", "-c", TAKE, str(mib))
    env = environment(tmp_path / "home")
    if given:
        assert int(measured(*program, env=env, confined=True).stdout) == mib * 2**20
    else:
        assert int(measured(*program, env=env).stdout) == mib * 2**20
        with pytest.raises(BenchFailed, match="MemoryError"):
            measured(*program, env=env, confined=True)


def test_a_confined_process_has_half_a_core(tmp_path: Path) -> None:
    """[S1-05] It computes for no more than half of the time, and a little for where the turns are cut."""
    program = (sys.executable, "-I", "-S", "-c", SPIN)
    assert measured(*program, env=environment(tmp_path / "home"), confined=True).cpu_seconds < 0.7


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Sqlite:
    return Sqlite(tmp_path_factory.mktemp("databases") / "sqlite")


@pytest.mark.slow
def test_a_whole_recovery_runs_in_what_a_region_has(tmp_path: Path, database: Sqlite) -> None:
    """[S1-05] At the default concurrency, against a hospital of its own; each appointment is read."""
    data = make_data(tmp_path / "hospital", appointments=300, days=7)
    done = recover(tmp_path, database, data, latency_ms=1, concurrency=8, confined=True)
    assert (done.report["status"], done.appointments) == ("complete", 300)
    assert done.hospital["calls"]["createServiceSession"] > 0
    assert done.usage.peak_mib < REGION_MIB


@pytest.mark.slow
def test_a_whole_phone_sync_runs_in_what_a_region_has(tmp_path: Path, database: Sqlite) -> None:
    """[S1-05] From a Google sheet to a FHIR server; each row is read, and the server was written to."""
    done = synced(tmp_path, database, rows=500, latency_ms=1, pace=UNPACED, confined=True)
    assert (done.report["status"], done.report["read"]) == ("complete", 500)
    assert done.fhir["written"] > 0
    assert done.usage.peak_mib < REGION_MIB
