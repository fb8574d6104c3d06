"""The desk behind the mailbox: takes files of claims out of inbound/ and puts answers into outbound/.

It works on a folder, whatever serves that: DIR/home is what users see, DIR/taken what was taken, DIR/state.json which
files there were. Names are those that Office Ally's users report.
"""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from backoffice.sandbox.clearinghouse.answers import NAME, Answering, ak999, ca277, is_readable, ta1
from backoffice.sandbox.clearinghouse.payment import era
from backoffice.sandbox.clearinghouse.reports import file_summary, zipped
from backoffice.sandbox.clearinghouse.submission import Claim, Submission, read
from backoffice.sandbox.faults import Faults

PART: Final = ".part"
STAGES: Final = ("999", "277ca", "payer", "835")  # where claims can be rejected, by CLM01
FIRST: Final = 100_000_001
Answer = tuple[str, bytes]


class Desk:
    """One account. Used by several threads."""

    def __init__(
        self, folder: Path, *, user: str, faults: Faults, pay: bool, now: Callable[[], datetime] = datetime.now
    ) -> None:
        self.home, self._taken, self._state = folder / "home", folder / "taken", folder / "state.json"
        self.inbound, self.outbound = self.home / "inbound", self.home / "outbound"
        for each in (self.inbound, self.outbound, self._taken):
            each.mkdir(parents=True, exist_ok=True)
        self.user, self.faults, self.pay, self._now = user, faults, pay, now
        self.summary = self.zip = False  # whether a file summary is written, and whether an 835 comes in a ZIP
        self.rejects: dict[str, set[str]] = {stage: set() for stage in STAGES}
        self.taken: list[str] = []
        self.delivered: list[str] = []
        self._held: list[Answer] = []
        self._open: set[Path] = set()
        self._looks: dict[Path, tuple[int, int]] = {}
        self._lock = threading.RLock()
        state: dict[str, Any] = json.loads(self._state.read_text()) if self._state.exists() else {}
        self._next, self._seen = int(state.get("next", FIRST)), {tuple(key) for key in state.get("seen", ())}

    @property
    def held(self) -> int:
        """Answers that wait to be released."""
        return len(self._held)

    def opened(self, path: Path) -> None:
        """Somebody writes to it: it is left alone until closed()."""
        with self._lock:
            self._open.add(path)

    def closed(self, path: Path) -> None:
        with self._lock:
            self._open.discard(path)

    def sweep(self) -> None:
        """Take each file that nobody writes to, and that is as it was at the sweep before."""
        with self._lock:
            looks = {}
            for path in sorted(self.inbound.iterdir()):
                if path.suffix != PART and path not in self._open and path.is_file():
                    stat = path.stat()
                    looks[path] = (stat.st_size, stat.st_mtime_ns)
                    if stat.st_size and self._looks.get(path) == looks[path]:
                        self.take(path)
            self._looks = looks

    def take(self, path: Path) -> None:
        """Move it away at once, and answer it."""
        with self._lock:
            file_id, name = self._number(), path.name.removesuffix(PART)
            kept = path.rename(self._taken / f"{file_id}_{name}")
            self.taken.append(name)
            answers = list(self._answers(file_id, name, read(kept.read_bytes())))
            if self._fires("out_of_order", name):
                answers.reverse()
            if self._fires("twice", name):
                answers += [(f"{self._number()}_{again}", content) for again, content in answers]
            if self._fires("hold", name):
                self._held += answers
            else:
                self._deliver(answers)

    def release(self) -> None:
        """Deliver what was held back."""
        with self._lock:
            held, self._held = self._held, []
            self._deliver(held)

    def _deliver(self, answers: list[Answer]) -> None:
        """Each file appears whole."""
        for name, content in answers:
            draft = self._taken / f".{name}"
            draft.write_bytes(content)
            draft.rename(self.outbound / name)
            self.delivered.append(name)

    def _answers(self, file_id: int, name: str, sent: Submission | None) -> Iterator[Answer]:
        if sent is None:
            return  # not X12: the real one says so in its portal
        again = sent.key in self._seen
        note = "025" if again else sent.note
        if again or note != "000" or sent.isa[14] == "1":
            yield f"{file_id}_{name}_TA1.txt", ta1(self._answering(sent, self._number()), note)
        if note == "000":
            self._seen.add(sent.key)
            self._save()
            yield f"{file_id}_{name}_999.999", ak999(self._answering(sent, file_id), self.rejects["999"])
            yield from self._of_claims(file_id, name, sent)

    def _of_claims(self, file_id: int, name: str, sent: Submission) -> Iterator[Answer]:
        """Summary and 277CA from here, a 277CA from each payer, and the payment; each of what was accepted before."""
        readable = [each for each in sent.sets if each.claims and is_readable(each, self.rejects["999"])]
        if not readable:
            return
        answering = self._answering(sent, file_id)
        source = f"AY*2*{NAME}*****46*{sent.isa[8].strip()}"
        if self.summary:
            yield f"FS_HCFA_{file_id}_IN_C.txt", file_summary(answering, name, readable, self.rejects["277ca"])
        yield self._name(answering), ca277(answering, source, readable, self.rejects["277ca"])
        kept = self.rejects["277ca"]
        payers = {tuple(claim.payer): claim for each in readable for claim in each.claims if claim.account not in kept}
        paid: list[Claim] = []
        for payer in payers:
            theirs = [
                replace(
                    each, claims=[one for one in each.claims if tuple(one.payer) == payer and one.account not in kept]
                )
                for each in readable
            ]
            answering = self._answering(sent, self._number())
            source = "*".join(("PR", *payer[1:])).rstrip("*")
            answered = [each for each in theirs if each.claims]
            yield self._name(answering), ca277(answering, source, answered, self.rejects["payer"])
            paid += [one for each in answered for one in each.claims if one.account not in self.rejects["payer"]]
        if self.pay and paid:
            answering = self._answering(sent, self._number())
            payment = era(answering, paid, self.rejects["835"])
            plain = f"{answering.number}_ERA_835_5010_{answering.day}.835", payment
            yield zipped(answering, payment) if self.zip else plain

    def _name(self, answering: Answering) -> str:
        return f"{self.user}_{answering.number}_HCFA_277ca_{answering.day}.txt"

    def _answering(self, sent: Submission, number: int) -> Answering:
        return Answering(to=sent, number=number, now=self._now())

    def _fires(self, kind: str, name: str) -> bool:
        return self.faults.fires(kind, name.encode())

    def _number(self) -> int:
        """Of a file: unique as long as the folder lives."""
        number, self._next = self._next, self._next + 1
        self._save()
        return number

    def _save(self) -> None:
        draft = self._state.with_suffix(".draft")
        draft.write_text(json.dumps({"next": self._next, "seen": sorted(self._seen)}))
        draft.replace(self._state)
