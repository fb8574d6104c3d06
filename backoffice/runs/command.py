"""What every job's command does alike: start or continue, wait or enqueue, progress, --json, and the exit status.

0 complete and balanced, 1 failed, 2 wrong use, 75 already running. Silent unless asked: cron mails what matters.
"""

import json
import sys
from argparse import ArgumentParser
from typing import Any, ClassVar, NoReturn

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from backoffice.embedded import ensure_queue_server
from backoffice.formats import legible, money, words
from backoffice.runs.control import AlreadyComplete, AlreadyRunning, restart_run, start_run
from backoffice.runs.faults import Misuse, WrongUse
from backoffice.runs.job import Job, Json
from backoffice.runs.models import Run, RunStatus
from backoffice.runs.parameters import gone_on_with
from backoffice.runs.registry import job_named
from backoffice.runs.report import run_report
from backoffice.runs.waiting import queue_is_served, wait_for

EXIT_ALREADY_RUNNING = 75


class JobCommand(BaseCommand):
    """Give it `job` and `add_parameters`; options named in `own` become the job's parameters, as they stand."""

    job: ClassVar[str]
    own: ClassVar[tuple[str, ...]] = ()
    requires_system_checks = ()

    def add_parameters(self, parser: ArgumentParser) -> None:
        """The job's own options."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--region", required=True, help="name of the region")
        self.add_parameters(parser)
        parser.add_argument("--wait", action="store_true", help="run to the end, with a progress bar on a terminal")
        parser.add_argument("--here", action="store_true", help="with --wait: in this process, though workers serve")
        parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
        parser.add_argument("--fresh", action="store_true", help="begin again instead of continuing a stopped run")
        if len(job_named(self.job).steps) > 1:
            names = ", ".join(step.name for step in job_named(self.job).steps)
            parser.add_argument("--from-step", metavar="S", help=f"undo this step and all later ones first: {names}")

    def handle(self, *args: Any, **options: Any) -> None:
        region = region_named(options["region"])
        parameters = {name: options[name] for name in self.own if options[name] is not None}
        ensure_queue_server()
        try:
            attended = options["wait"] and (options.get("here") or not queue_is_served(job_named(self.job).queue))
            if from_step := options.get("from_step"):
                run = self._begin_at(region, parameters, attended, from_step)
            else:
                run = self._begin(region, parameters, attended, fresh=options["fresh"])
        except Misuse as error:
            raise CommandError(str(error), returncode=2) from None
        except AlreadyRunning as error:
            raise refused(error) from None
        except AlreadyComplete as done:
            run = done.run
            if sys.stdout.isatty() and not options["json"]:
                self.stdout.write(str(done))
        finish(self, run, wait=options["wait"], as_json=options["json"])

    def _begin(self, region: Any, parameters: Json, attended: bool, *, fresh: bool) -> Run:
        """Continue the last run of the key when it was stopped or failed over the same parameters, else a new chain."""
        job = job_named(self.job)
        if job.once:
            return self._begin_once(job, region, parameters, attended, fresh=fresh)
        stored = job.parameters(region, parameters)
        last = Run.objects.filter(job=job.name, key=job.key(region, stored)).first()
        if not fresh and last is not None and last.restartable and last.parameters == stored:
            return restart_run(last, attended=attended)
        return start_run(job.name, region=region, parameters=parameters, attended=attended)

    def _begin_once(self, job: Job, region: Any, parameters: Json, attended: bool, *, fresh: bool) -> Run:
        """--fresh begins a key that is done once for all again at its first step: what it wrote is undone first."""
        stored = job.parameters(region, parameters)
        last = Run.objects.filter(job=job.name, key=job.key(region, stored)).first()
        if fresh and last is not None and not last.live:
            going_on = gone_on_with(last, stored, parameters)
            return restart_run(last, attended=attended, from_step=job.steps[0].name, parameters=going_on)
        return start_run(job.name, region=region, parameters=parameters, attended=attended)

    def _begin_at(self, region: Any, parameters: Json, attended: bool, from_step: str) -> Run:
        """The last run of the key once more, from a step of it."""
        job = job_named(self.job)
        stored = job.parameters(region, parameters)
        key = job.key(region, stored)
        last = Run.objects.filter(job=job.name, key=key).first()
        if last is None:
            raise Misuse(f"{job.name} for {key} has not been run yet: leave out --from-step.")
        going_on = gone_on_with(last, stored, parameters)
        return restart_run(last, attended=attended, from_step=from_step, parameters=going_on)


def refused(error: AlreadyRunning) -> CommandError:
    """What the command ends with; it says so where the live run waits for workers that are not there."""
    run, text = error.run, str(error)
    if run.status == RunStatus.QUEUED and not run.attended and not queue_is_served(job_named(run.job).queue):
        text += " No worker serves its queue: start one with manage.py work."
    return CommandError(text, returncode=EXIT_ALREADY_RUNNING)


def region_named(name: str) -> Any:
    """The region, or a CommandError that lists those there are."""
    name = legible(name)
    regions = apps.get_model("regions", "Region")._default_manager
    region = regions.filter(name=name).first()
    if region is None:
        names = ", ".join(regions.order_by("name").values_list("name", flat=True)) or "none yet; see load_region"
        raise CommandError(f"No region is called {name!r}. Regions: {names}.", returncode=2)
    return region


def run_numbered(number: int) -> Run:
    """The run, or a CommandError."""
    run = Run.objects.filter(pk=number).first()
    if run is None:
        raise CommandError(f"There is no run {number}. The admin's run page lists them.", returncode=2)
    return run


def finish(command: BaseCommand, run: Run, *, wait: bool, as_json: bool) -> None:
    """Wait for the run where asked, print what was asked for, and leave with the run's exit status."""
    if wait:
        wait_for(run, progress=sys.stderr.isatty())
    run.refresh_from_db()
    if as_json:
        command.stdout.write(json.dumps(run_report(run), sort_keys=True))
    elif not wait and sys.stdout.isatty():
        command.stdout.write(f"Run {run.pk} is queued.")
    if wait and run.status == RunStatus.COMPLETE and sys.stdout.isatty() and not as_json:
        command.stdout.write(summary(run_report(run)))
    if not wait or run.status == RunStatus.COMPLETE:
        return
    if run.reason == WrongUse.reason:
        command.stderr.write(f"Run {run.pk} {run.status}. {run.detail}")
        leave_with(2)
    _say_how_it_ended(command, run)
    leave_with(1)


def summary(report: Json) -> str:
    """Run 17 complete: 593 read (591 recovered, 2 failed), $128,556.45 in 12.3 s."""
    outcomes = ", ".join(f"{n:,} {words(outcome)}" for outcome, n in report["outcomes"].items() if n)
    value = f", {money(report['money']['value'])}" if "value" in report["money"] else ""
    read = f"{report['read']:,} read ({outcomes or 'nothing'})"
    return f"Run {report['id']} complete: {read}{value} in {report['seconds']:.1f} s."


def _say_how_it_ended(command: BaseCommand, run: Run) -> None:
    why = f" ({run.reason})" if run.reason not in ("", run.status) else ""
    detail = f" {run.detail}" if run.detail else ""
    command.stderr.write(
        f"Run {run.pk} {run.status}{why}.{detail} Continue it with: manage.py restart_run {run.pk} --wait"
    )


def leave_with(status: int) -> NoReturn:
    """End the command with this exit status, without a message of its own."""
    sys.stdout.flush()
    raise SystemExit(status)
