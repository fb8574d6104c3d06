"""What a log line says of an exception: where it was, never what it held."""

import io
import logging

import pytest
import structlog

from backoffice.logs import configure_logging


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
    assert "555" not in said
