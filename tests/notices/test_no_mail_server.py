"""Without EMAIL_URL Django's mail goes to the log."""

import pytest
from pytest_django import Settings

from clinic.notices.channels import ChannelOff, Channels
from tests.factories import RegionFactory

pytestmark = pytest.mark.django_db


def test_a_patient_s_mail_is_never_written_to_the_log_instead(settings: Settings) -> None:
    """It had names and times on a worker's standard output, and counted as sent."""
    with Channels(RegionFactory.create()) as channels:
        channels.check("email")
        settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
        with pytest.raises(ChannelOff):
            channels.check("email")
