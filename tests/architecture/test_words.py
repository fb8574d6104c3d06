"""Names say what a thing is for; a module that is named for nothing collects everything."""

from tests.architecture.sources import ROOT, sources

EMPTY_WORDS = {"util", "utils", "helper", "helpers", "common", "base", "misc", "shared", "core", "manager", "managers"}


def test_no_module_or_package_has_an_empty_name() -> None:
    named = {path for source in sources() for path in (source, *source.relative_to(ROOT).parents)}
    assert sorted(str(path) for path in named if path.stem in EMPTY_WORDS) == []
