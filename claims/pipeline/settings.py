"""How often each step commits, and why: rows that staff edit, made with these values where they are missing."""

from typing import Any

from claims.models import StepSetting

# Program, commit frequency, and why [S2-01 to S2-06, S2-09].
STEPS = {
    "extract": ("PNCEXTRT", 10_000, "Reads only; nothing is locked, and a restart finds its place by the key."),
    "validate": ("PNCVALID", 5_000, "Two files grow together; a restart should not repeat many lines of both."),
    "enrich": ("PNCENRCH", 5_000, "Restart position: records of one claim must not be cut between two checkpoints."),
    "price": ("PNCPRICE", 3_000, "Past deadlock with ad-hoc reads of the priced claims: short transactions."),
    "adjudicate": ("PNCADJ", 2_000, "Accumulators must be put back after a crash: less than six minutes' work."),
    "remit": ("PNCREMT", 10_000, "Reads only; the file is written again from committed data."),
}


def ensure_settings(using: str = "default", **_: Any) -> None:
    """After each migrate; what staff have set stays. The accumulators' own database has no settings."""
    if using != "default":
        return
    for sequence, (step, (program, frequency, rationale)) in enumerate(STEPS.items()):
        StepSetting.objects.get_or_create(
            step=step,
            defaults={
                "program": program, "sequence": sequence, "commit_frequency": frequency, "rationale": rationale,
            },
        )  # fmt: skip
