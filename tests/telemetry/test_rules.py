"""The alert rules: what they ask for is printed, where they send is written, and they fire when they should."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from redis import Redis

from backoffice.monitor import limits
from backoffice.monitor.exposition import Installation
from tests.needs import promtool
from tests.processes import ROOT

RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
OPERATIONS = ROOT / "docs" / "operations.md"
NAME = re.compile(r"\bnightward_[a-z_]+")
# Labels that Prometheus gives: of the target, and of a bucket.
GIVEN = {"le", "instance"}
OTHERS = {"otelcol_exporter_send_failed_spans_total"}


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def expression(alert: str) -> str:
    (found,) = (str(rule["expr"]) for rule in rules() if rule["alert"] == alert)
    return found


def sample_names(metric: Metric) -> set[str]:
    if isinstance(metric, HistogramMetricFamily):
        return {f"{metric.name}_{part}" for part in ("bucket", "count", "sum")}
    return {f"{metric.name}_total"} if isinstance(metric, CounterMetricFamily) else {metric.name}


@pytest.fixture
def printed(db: None, queue: Redis) -> dict[str, set[str]]:
    """Name of a sample → its labels."""
    return {
        name: set(getattr(metric, "_labelnames", ()))
        for metric in Installation().collect()
        for name in sample_names(metric)
    }


def test_every_metric_and_label_of_a_rule_is_one_that_is_printed(printed: dict[str, set[str]]) -> None:
    assert len(rules()) >= 30
    for rule in rules():
        asked = {name for name in re.findall(r"\b[a-z]\w+(?=[{\[)\s]|$)", rule["expr"]) if "_" in name}
        names = {name for name in asked if name.startswith(("nightward_", "otelcol_"))}
        assert names, rule["alert"]
        assert names - OTHERS <= set(printed), rule["alert"]
        labels = set().union(*(printed.get(name, set()) for name in names)) | GIVEN
        by = {
            label.strip()
            for found in re.findall(r"\b(?:by|on) \(([^)]*)\)", rule["expr"])
            for label in found.split(",")
        }
        matched = set(re.findall(r"[{,]\s*([a-z_]+)\s*(?:=~|!~|!=|=)", rule["expr"]))
        shown = set(re.findall(r"\$labels\.([a-z_]+)", rule["annotations"]["summary"]))
        assert by | matched | shown <= labels, rule["alert"]
        assert shown <= by, rule["alert"]


def test_no_printed_metric_is_forgotten(printed: dict[str, set[str]]) -> None:
    """Each is in a rule, or in the list of what only explains one."""
    explains = {
        "nightward_api_request_seconds_sum", "nightward_command_overdue_seconds", "nightward_consumer_lag_events",
        "nightward_outbox_unpublished", "nightward_runs_live", "nightward_trace_last_export_timestamp_seconds",
        "nightward_unanswered_items",
    }  # fmt: skip
    assert set(printed) - set(NAME.findall(RULES.read_text())) == explains
    for name in printed:
        assert name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum") in OPERATIONS.read_text(), name


def test_every_rule_says_what_is_wrong_how_bad_it_is_and_where_to_read_on() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("look", "act"), rule["alert"]
        assert rule["annotations"]["summary"].endswith("."), rule["alert"]
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert (ROOT / page).is_file(), rule["alert"]
        assert anchor in set(anchors(ROOT / page)), rule["alert"]
    assert len({rule["alert"] for rule in rules()}) == len(rules())


def anchors(page: Path) -> Iterator[str]:
    """As GitHub and others make them of a heading."""
    for heading in re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE):
        yield re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_the_rules_and_the_page_have_the_same_limits() -> None:
    """[S4-19]"""
    number = {
        alert: float(re.findall(r"[<>] ([\d.]+)", expression(alert))[0])
        for alert in (
            "NightwardApiSlow", "NightwardApiVerySlow", "NightwardApiFails", "NightwardBookingsRarelySucceed",
            "NightwardNotificationsFail", "NightwardLaboratorySilent", "NightwardConsumerLate",
            "NightwardConsumerVeryLate", "NightwardTracesLate",
        )
    }  # fmt: skip
    assert number == {
        "NightwardApiSlow": limits.API_LOOK,
        "NightwardApiVerySlow": limits.API_ACT,
        "NightwardApiFails": limits.API_FAILS,
        "NightwardBookingsRarelySucceed": limits.BOOKED_LOOK,
        "NightwardNotificationsFail": limits.DELIVERED_LOOK,
        "NightwardLaboratorySilent": limits.LABORATORY_SILENT.total_seconds(),
        "NightwardConsumerLate": limits.EVENT_LOOK.total_seconds(),
        "NightwardConsumerVeryLate": limits.EVENT_ACT.total_seconds(),
        "NightwardTracesLate": limits.TRACE_LOOK.total_seconds(),
    }


@pytest.mark.promtool
def test_prometheus_itself_takes_the_rules_and_fires_them_when_it_should(tmp_path: Path) -> None:
    """[S4-19] [S1-30]"""
    checked = subprocess.run(
        [str(promtool()), "check", "rules", str(RULES)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    cases = (Path(__file__).with_name("rules_test.yml")).read_text().replace("- RULES", f"- {RULES}")
    (tmp_path / "cases.yml").write_text(cases)
    fired = subprocess.run(
        [str(promtool()), "test", "rules", str(tmp_path / "cases.yml")], capture_output=True, text=True, check=False
    )
    assert fired.returncode == 0, fired.stdout + fired.stderr


@pytest.mark.promtool
def test_prometheus_takes_the_configuration_and_what_is_printed(db: None, queue: Redis, tmp_path: Path) -> None:
    from backoffice.monitor.exposition import exposition

    (tmp_path / "rules.yml").write_text(RULES.read_text())
    text = (RULES.with_name("prometheus.yml")).read_text()
    (tmp_path / "token").write_text("t")
    (tmp_path / "prometheus.yml").write_text(text.replace("/etc/prometheus/nightward-token", str(tmp_path / "token")))
    checked = subprocess.run(
        [str(promtool()), "check", "config", str(tmp_path / "prometheus.yml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    linted = subprocess.run([str(promtool()), "check", "metrics"], input=exposition(), capture_output=True, check=False)
    assert linted.returncode == 0, linted.stdout + linted.stderr
