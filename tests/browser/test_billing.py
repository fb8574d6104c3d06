"""The pages of billing in a real browser: on a laptop, on a phone, in the dark and by keyboard."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from regions.models import Region
from tests.admin.billing_world import Billing, make_billing
from tests.browser.conftest import REAL_PASSWORD, OpenPage
from tests.factories import UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PLACE = "/admin/billing/"


@pytest.fixture
def billing(region: Region) -> Billing:
    UserFactory.create(username="olga", role="operator", regions=[region], password=REAL_PASSWORD)
    return make_billing(region)


def pages_of(billing: Billing) -> Iterator[str]:
    yield from ("claim/", "claim/?state=denied&q=nothing", "claim/refused/", "unclaimable/", "batch/", "document/")
    yield from ("answer/", "payment/", "payment/days/", "claim/clock/")
    for claim in (billing.paid, billing.refused):
        yield f"claim/{claim.pk}/change/"
    yield f"claim/{billing.refused.pk}/again/again/"
    yield from (f"claim/start/{name}/" for name in ("submit_claims", "process_claim_files"))
    yield from (f"batch/{batch.pk}/change/" for batch in (billing.batch, billing.unconfirmed))
    yield f"batch/{billing.unconfirmed.pk}/decide/again/"
    yield from (f"document/{billing.remittance.pk}/{page}/" for page in ("change", "content"))
    yield f"answer/{billing.answer.pk}/change/"
    yield f"payment/{billing.parked.pk}/change/"
    yield f"unclaimable/{billing.unclaimable.pk}/change/"


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_every_page_fits_a_laptop_and_a_phone_and_is_legible(
    open_page: OpenPage, billing: Billing, scheme: str
) -> None:
    watched = open_page(color_scheme=scheme)
    watched.enter("olga")
    for path in pages_of(billing):
        watched.fits(PLACE + path)


@pytest.mark.slow
def test_a_batch_is_decided_by_keyboard_alone(open_page: OpenPage, billing: Billing) -> None:
    watched = open_page()
    watched.enter("olga")
    page = watched.go(f"{PLACE}batch/?state=unconfirmed")
    page.get_by_role("link", name="000000043").focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="It arrived…").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("If it is not there after all", exact=False)).to_be_visible()
    page.get_by_role("button", name="It arrived").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The batch counts as uploaded.")).to_be_visible()
    billing.unconfirmed.refresh_from_db()
    assert billing.unconfirmed.state == "uploaded"


@pytest.mark.slow
def test_an_answer_is_linked_without_scripts(open_page: OpenPage, billing: Billing) -> None:
    watched = open_page(java_script_enabled=False)
    watched.enter("olga")
    page = watched.go(f"{PLACE}answer/")
    page.get_by_role("link", name="UNKNOWN42").click()
    page.get_by_label("Number of the claim").fill(billing.sent.control)
    page.get_by_label("How you know").fill("The payer told us.")
    page.get_by_role("button", name="Link").click()
    page.get_by_role("link", name=billing.sent.control).click()
    expect(page.get_by_text("Paid in full", exact=False)).to_be_visible()
