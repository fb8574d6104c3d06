"""Files and functions stay small enough to be read in one go; there are no exemptions."""

from tests.architecture.sources import ROOT, functions, lines_of, sources

FILE_LINES, LEAN_FILE_LINES = 400, 250
FUNCTION_LINES, LEAN_FUNCTION_LINES = 60, 30


def files_over(limit: int) -> list[str]:
    counts = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    return [f"{path.relative_to(ROOT)}: {count}" for path, count in counts.items() if count > limit]


def functions_over(limit: int) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines_of(node)}"
        for path, node in functions()
        if lines_of(node) > limit
    ]


def test_no_file_is_too_long() -> None:
    assert files_over(FILE_LINES) == []


def test_no_function_is_too_long() -> None:
    assert functions_over(FUNCTION_LINES) == []


def test_long_files_and_functions_are_few() -> None:
    """The lean limits may be passed where it reads better, by one in twenty."""
    long_files, long_functions = files_over(LEAN_FILE_LINES), functions_over(LEAN_FUNCTION_LINES)
    assert len(long_files) * 20 <= len(sources()), long_files
    assert len(long_functions) * 20 <= len(functions()), long_functions


def test_the_kernel_is_small() -> None:
    """product.md: job.py and kernel.py together stay under 250 lines."""
    kernel = [ROOT / "backoffice" / "runs" / name for name in ("job.py", "kernel.py")]
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in kernel) < 250
