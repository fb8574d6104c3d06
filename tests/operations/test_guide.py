"""What docs/operations.md sends the person on call to is there: pages by their titles, commands by their names."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from backoffice.theme import NAVIGATION

GUIDE = Path(settings.BASE_DIR) / "docs" / "operations.md"
# Buttons and words that are set off like pages.
NO_PAGES = {"Restart", "last", "front"}


def rows(section: str) -> list[str]:
    text = GUIDE.read_text().split(f"## {section}\n", 1)[1].split("\n## ", 1)[0]
    return [line for line in text.splitlines() if line.startswith("|")][2:]


@pytest.mark.parametrize(
    "symptom",
    [
        "API are slow", "consumer does not process", "notifications are late", "results of laboratories",
        "tills' payments", "command of cron's", "consumer is off", "traces do not arrive",
    ],
)  # fmt: skip
def test_each_of_the_troubles_has_its_recipe(symptom: str) -> None:
    """[S4-24] What to look at, and what to do."""
    (row,) = [row for row in rows("When something is wrong") if symptom in row.split("|")[1]]
    look, act = (cell.strip() for cell in row.split("|")[2:4])
    assert len(look) > 5
    assert len(act) > 5


@pytest.mark.parametrize("guide", ["operations.md", "deploy.md"])
def test_every_file_of_deploy_that_a_guide_names_is_there(guide: str) -> None:
    """What is copied from `.env.example` apart."""
    text = (GUIDE.parent / guide).read_text()
    named = set(re.findall(r"\bdeploy/[a-z/_.-]+[a-z]", text)) - {"deploy/.env"}
    assert "deploy/collector/config.yaml" in named
    root = Path(settings.BASE_DIR)
    assert {name for name in named if not (root / name).exists() and not (root / "backoffice" / name).exists()} == set()


@pytest.mark.parametrize("section", ["The runbook", "When something is wrong"])
def test_every_page_and_command_that_it_names_is_there(section: str) -> None:
    """[S4-22] [S4-24]"""
    titles = {item["title"] for group in NAVIGATION for item in group["items"]}
    table = "\n".join(rows(section))
    pages = set(re.findall(r"\*\*([^*]+)\*\*", table)) - NO_PAGES
    assert pages - titles == set()
    named = {word.split()[0] for word in re.findall(r"`([a-z_]+(?: [^`]*)?)`", table)}
    assert {name for name in named if "_" in name} - set(get_commands()) == set()
    figures = set(re.findall(r"nightward_[a-z_]+", table))
    assert {name for name in figures if name not in GUIDE.read_text().split("## Metrics and alerts", 1)[1]} == set()
