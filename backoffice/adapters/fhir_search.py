"""Patients by identifier: the two ways to ask, and every page of the answer."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode, urljoin

from backoffice.adapters import fhir_json, fhir_match
from backoffice.adapters.fhir_batch import FORM, Batches, Entry
from backoffice.adapters.fhir_chunks import Limit, TooLarge, in_chunks
from backoffice.adapters.fhir_json import Unreadable
from backoffice.adapters.fhir_outcome import code_of, is_too_large, issue_type_of_body
from backoffice.adapters.fhir_types import FhirRefused, FhirUnavailable, Found, Patient
from backoffice.adapters.fhir_wire import Request, Wire
from backoffice.adapters.http import Answer

Strategy = Literal["batch-get", "or-search"]
STRICT: Final = "handling=strict"  # a parameter that the server does not know is an error, not left out
MOST_PAGES: Final = 100
STRANGERS: Final = 5  # a search may answer with as many beside one for each value before it counts as not understood
Json = dict[str, Any]


class Search:
    """Looks up identifiers of one `system` on one server. Safe to share between threads."""

    def __init__(
        self, wire: Wire, batches: Batches, *, region: str, system: str, strategy: Strategy, most: int
    ) -> None:
        self._wire, self._batches, self._region, self._system = wire, batches, region, system
        self._strategy, self._limit = strategy, Limit(most)

    def is_meant(self, patient: Patient, value: str) -> bool:
        """Whether the patient carries the value in our system, and is neither replaced nor inactive."""
        found, _ = fhir_match.by_value([patient], self._system, [value])
        return found[value].outcome == "found"

    def find(self, values: Sequence[str]) -> dict[str, Found]:
        """What each value stands for; a value that no identifier can be, such as a blank one, for nothing [S1-20].

        Raises FhirRefused where the server answers with patients who were not asked for, as some do that do not know
        the parameter: everybody would come. Every other fault is in the values.
        """
        asked = [value for value in dict.fromkeys(values) if value.strip() == value != "" and value.isprintable()]
        patients, faults = (self._by_batch if self._strategy == "batch-get" else self._by_list)(asked)
        found, strangers = fhir_match.by_value(patients, self._system, asked)
        if strangers:
            self._wire.count("strangers", strangers)
        known = {value: Found(fault=faults[value]) if value in faults else found[value] for value in asked}
        return {value: known.get(value, Found()) for value in values}

    def _by_batch(self, values: Sequence[str]) -> tuple[list[Patient], dict[str, str]]:
        """(all patients that came back, the fault of each value whose search has one)."""
        forms = [urlencode({"identifier": self._token(value)}, quote_via=quote) for value in values]
        entries = [Entry(method="GET", url=f"Patient?{form}", form=form.encode()) for form in forms]
        patients: list[Patient] = []
        faults: dict[str, str] = {}
        answers = self._batches.run("lookup", entries, writes=False, prefer=STRICT)
        for value, answer in zip(values, answers, strict=True):
            if answer.status == 200 and not answer.fault:
                fault = self._gather(answer.resource, [value], patients)
            else:
                fault = answer.fault or (code_of(answer.status, answer.issue) if answer.status else "no_answer")
            faults |= {value: fault} if fault else {}
        return patients, faults

    def _by_list(self, values: Sequence[str]) -> tuple[list[Patient], dict[str, str]]:
        patients: list[Patient] = []
        faults = in_chunks(
            values,
            self._limit,
            lambda chunk: [self._search(chunk, patients)] * len(chunk),
            lambda _: "too_large",
            size=lambda value: len(self._token(value)) * 3,
            most_bytes=100_000,
        )
        return patients, {value: fault for value, fault in zip(values, faults, strict=True) if fault}

    def _search(self, values: Sequence[str], patients: list[Patient]) -> str:
        """Add who carries one of `values`; the fault, or empty. Raises TooLarge."""
        form = {"identifier": ",".join(map(self._token, values)), "_count": str(2 * len(values))}
        request = Request(
            kind="search",
            method="POST",
            url=f"{self._wire.base}/Patient/_search",
            body=urlencode(form, quote_via=quote).encode(),
            content_type=FORM,
            prefer=STRICT,
            entries=len(values),
        )
        try:
            first = self._wire.ask(request, _bundle)
        except FhirUnavailable as fault:
            return fault.code
        return self._gather(first, values, patients)

    def _gather(self, first: Any, values: Sequence[str], patients: list[Patient]) -> str:
        """Add the patients of all pages of one search; its fault, or empty. No total is believed (X-06)."""
        here: list[Patient] = []
        try:
            for page in self._pages(first):
                here += _patients(page, self._region)
                _, strangers = fhir_match.by_value(here, self._system, values)
                if strangers > len(values) + STRANGERS:
                    raise FhirRefused(
                        "The FHIR server answers with patients who were not asked for: it does not search by"
                        " identifier. Correct FHIR_SERVER_URL or FHIR_IDENTIFIER_SYSTEM."
                    )
        except Unreadable:
            return "unreadable_answer"
        except TooLarge:
            return "too_large"
        except FhirUnavailable as fault:
            return fault.code
        patients += here
        return ""

    def _pages(self, page: Any) -> Iterator[Json]:
        """This page and those after it. A next link is followed as it is, to the same server, once."""
        seen: set[str] = set()
        while True:
            if not (isinstance(page, dict) and page.get("resourceType") == "Bundle"):
                raise Unreadable("resourceType")
            yield page
            link = _next(page)
            if link is None:
                return
            try:
                url = urljoin(f"{self._wire.base}/", link)
            except ValueError:
                raise FhirUnavailable("next_link") from None
            if url in seen or len(seen) >= MOST_PAGES:
                raise FhirUnavailable("next_link")
            seen.add(url)
            page = self._wire.ask(Request(kind="page", method="GET", url=url), _bundle)

    def _token(self, value: str) -> str:
        """system|value, with what separates tokens in a search escaped."""
        return f"{_escaped(self._system)}|{_escaped(value)}"


def _escaped(text: str) -> str:
    for character in "\\,|$":
        text = text.replace(character, f"\\{character}")
    return text


def _bundle(answer: Answer, doubt: bool) -> Json:
    issue = issue_type_of_body(answer.body) if answer.status >= 400 else ""
    if is_too_large(answer.status, issue) or answer.cut:
        raise TooLarge
    if answer.status == 403:
        raise FhirRefused("The FHIR server lets us search no patients (HTTP 403): give the region's client the right.")
    if answer.status != 200:
        raise FhirUnavailable(code_of(answer.status, issue))
    return fhir_json.read(answer.body)


def _patients(page: Json, region: str) -> Iterator[Patient]:
    """The matches of a page; neither what is included nor what the server has to say."""
    entries = page.get("entry", [])
    if not isinstance(entries, list):
        raise Unreadable("entry")
    for entry in entries:
        if not isinstance(entry, dict):
            raise Unreadable("entry")
        search, resource = entry.get("search"), entry.get("resource")
        mode = search.get("mode", "match") if isinstance(search, dict) else "match"
        if mode == "match" and isinstance(resource, dict) and resource.get("resourceType") == "Patient":
            yield fhir_match.patient(region, resource)


def _next(page: Json) -> str | None:
    links = page.get("link", [])
    if not isinstance(links, list):
        raise Unreadable("link")
    for link in links:
        if isinstance(link, dict) and link.get("relation") == "next":
            url = link.get("url")
            if not (isinstance(url, str) and url):
                raise Unreadable("link")
            return url
    return None
