"""Unsupported services lead to the worklist where it has a row of theirs."""

from tests.admin.conftest import SignIn, World, make_row, text_of

UNSUPPORTED = "/admin/clinic/unsupportedservice/"


def test_an_appointment_leads_to_its_row_and_is_plain_where_there_is_none(
    sign_in: SignIn, north: World, south: World
) -> None:
    client = sign_in()
    make_row(south.run, appointment_id="A-extra")
    address = "/admin/clinic/missingservice/?status=all&amp;region=north&amp;q=A-extra"
    assert address not in text_of(client, UNSUPPORTED)
    row = make_row(north.run, appointment_id="A-extra", status="closed")
    assert address in text_of(client, UNSUPPORTED)
    assert f"/admin/clinic/missingservice/{row.pk}/change/" in text_of(client, address.replace("&amp;", "&"))
