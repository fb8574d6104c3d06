"""A claim is kept as JSON and comes out as it went in."""

import json

import pytest

from billing.content import claim_of, stored
from claims.edi.claims import Kind
from tests.edi import made


@pytest.mark.parametrize("kind", Kind)
def test_a_claim_is_the_same_after_it_was_kept(kind: Kind) -> None:
    for claim in made.claims(kind, 200):
        assert claim_of(json.loads(json.dumps(stored(claim)))) == claim
