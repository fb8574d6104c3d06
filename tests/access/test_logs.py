"""What a log line says of an exception: where it was, never what it held."""

import io
import logging
import sys
import threading

import pytest
import structlog
from django.test import Client

from backoffice.logs import configure_logging, speak_of_exceptions_by_place


@pytest.fixture
def _restored() -> object:
    root = logging.getLogger()
    handlers, level, configured = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:], root.level = handlers, level
    structlog.configure(**configured)


@pytest.mark.usefixtures("_restored")
@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("ours", [True, False])
def test_an_exception_is_logged_by_class_and_place_without_its_message_or_any_value(as_json: bool, ours: bool) -> None:
    configure_logging(level="INFO", as_json=as_json)
    stream = io.StringIO()
    logging.getLogger().handlers[0].setStream(stream)  # type: ignore[attr-defined]
    try:
        int("Jane Roe, 555-0199")
    except ValueError:
        if ours:
            structlog.get_logger("ours").exception("failed")
        else:
            logging.getLogger("theirs").exception("failed")
    said = stream.getvalue()
    assert "ValueError" in said
    assert "test_logs.py" in said
    assert "Jane" not in said
    assert "555-0199" not in said


@pytest.mark.usefixtures("_restored")
def test_an_exception_that_nobody_takes_is_told_by_class_and_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """[S4-09] Of the process and of a thread; where nothing is configured yet, Python says it in its own way."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    configure_logging(level="INFO", as_json=True)
    stream = io.StringIO()
    logging.getLogger().handlers[0].setStream(stream)  # type: ignore[attr-defined]
    speak_of_exceptions_by_place()
    try:
        int("Jane Roe, 555-0199")
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)
    thread = threading.Thread(target=int, args=("Jane Roe, 555-0199",))
    thread.start()
    thread.join()
    said = stream.getvalue()
    assert said.count("ValueError") == said.count("ended_by_exception") == 2
    assert "Jane" not in said


@pytest.mark.usefixtures("_restored")
@pytest.mark.django_db
@pytest.mark.parametrize(("path", "status"), [("/api/v1/Okonkwo/", 404), ("/admin/Okonkwo/?q=Okonkwo", 302)])
def test_an_address_that_is_refused_is_told_by_its_route(client: Client, path: str, status: int) -> None:
    """[S4-09] Somebody may have written a name into it, or into the name of the host."""
    configure_logging(level="INFO", as_json=True)
    stream = io.StringIO()
    logging.getLogger().handlers[0].setStream(stream)  # type: ignore[attr-defined]
    assert client.get(path).status_code == status
    assert client.get(path, headers={"host": "okonkwo.example"}).status_code == 400
    said = stream.getvalue()
    assert "request_refused" in said
    assert "okonkwo" not in said.lower()
