"""A phone change touches the mobile phone of a patient and nothing else."""

import copy
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.adapters.fhir import change_phone, change_telecom

TODAY, NEW = date(2026, 11, 22), "+6281234567890"
MOBILE = {"system": "phone", "use": "mobile", "value": "+62811"}
FRESH = {"system": "phone", "value": NEW, "use": "mobile"}

words = st.sampled_from(["", "a", "url", "valueCode"])
entries = st.fixed_dictionaries(
    {},
    optional={
        "id": words,
        "system": st.sampled_from(["phone", "email", "sms", "pager", 7]),
        "use": st.sampled_from(["mobile", "home", "old", "work", None]),
        "value": st.sampled_from(["+62811", "0812", NEW, "+62 812-3456-7890", "a@b", "", 5]),
        "rank": st.sampled_from([1, 2, 3, "first", True]),
        "period": st.sampled_from(
            [{}, {"start": "2020"}, {"end": "2026-11"}, {"end": "2020-01-01"}, {"start": "2030"}, {"_end": {}}, 3]
        ),
        "extension": st.lists(st.dictionaries(words, st.integers(), max_size=2), max_size=2),
        "_value": st.dictionaries(words, words, max_size=1),
    },
)
telecoms = st.lists(entries | st.sampled_from([None, "odd", 3]), max_size=6)


@pytest.mark.slow
@given(telecoms)
def test_all_other_entries_stay_as_they_are_and_in_their_order(telecom: list[Any]) -> None:
    before = copy.deepcopy(telecom)
    after = change_telecom(telecom, NEW, TODAY)
    assert telecom == before
    if after is None:
        return
    place = next(index for index, entry in enumerate(after) if isinstance(entry, dict) and is_the_new(entry))
    rest = [*after[:place], *after[place + 1 :]]
    if len(after) > len(telecom) and rest == telecom:
        assert place == len(telecom)
        return
    old = telecom[place]
    assert [*rest[:place], *rest[place + 1 :]] == [*telecom[:place], *telecom[place + 1 :]]
    assert rest[place] == {
        **{name: value for name, value in old.items() if name != "rank"},
        "use": "old",
        "period": {**old.get("period", {}), "end": "2026-11-22"},
    }
    assert after[place].get("rank") == old.get("rank")


def is_the_new(entry: dict[str, Any]) -> bool:
    return entry.get("value") == NEW and entry.get("use") == "mobile" and not set(entry) - {*FRESH, "rank"}


@given(telecoms)
def test_a_second_change_to_the_same_number_changes_nothing(telecom: list[Any]) -> None:
    after = change_telecom(telecom, NEW, TODAY)
    assert change_telecom(telecom if after is None else after, NEW, TODAY) is None


@given(telecoms, st.dictionaries(words, st.integers()))
def test_a_resource_keeps_every_element_but_telecom(telecom: list[Any], others: dict[str, Any]) -> None:
    resource = {**others, "telecom": telecom, "meta": {"versionId": "3"}}
    changed = change_phone(resource, NEW, TODAY)
    assert changed is None or {**changed, "telecom": telecom} == resource
    assert changed is None or list(changed) == list(resource)


def test_the_old_number_stays_after_the_new_one_with_an_end() -> None:
    mail, home = {"system": "email", "value": "a@b"}, {"system": "phone", "use": "home", "value": "0281"}
    verified = {**MOBILE, "rank": 1, "period": {"start": "2019"}, "extension": [{"url": "u", "valueBoolean": True}]}
    assert change_telecom([mail, verified, home], NEW, TODAY) == [
        mail,
        {**FRESH, "rank": 1},
        {
            **MOBILE,
            "use": "old",
            "period": {"start": "2019", "end": "2026-11-22"},
            "extension": [{"url": "u", "valueBoolean": True}],
        },
        home,
    ]


@pytest.mark.parametrize(
    ("telecom", "changed"),
    [
        ([], [FRESH]),
        ([{**MOBILE, "use": "home"}], [{**MOBILE, "use": "home"}, FRESH]),
        ([{**MOBILE, "system": "sms"}], [{**MOBILE, "system": "sms"}, FRESH]),
        # Not in force today: neither replaced nor ended.
        ([{**MOBILE, "period": {"end": "2025"}}], [{**MOBILE, "period": {"end": "2025"}}, FRESH]),
        ([{**MOBILE, "period": {"start": "2026-12"}}], [{**MOBILE, "period": {"start": "2026-12"}}, FRESH]),
        ([{**FRESH, "period": {"end": "2025"}}], [{**FRESH, "period": {"end": "2025"}}, FRESH]),
        ([{**FRESH, "use": "old"}], [{**FRESH, "use": "old"}, FRESH]),
        # The number that the patient has, written in other ways.
        ([{**MOBILE, "value": "+62 812-3456-7890"}], None),
        ([{**MOBILE, "value": "tel:+62(812)3456.7890"}], None),
        ([MOBILE, FRESH], None),
        ([{**FRESH, "period": {"end": "2026-11-22T23:00:00+07:00"}}], None),
    ],
)
def test_what_becomes_of_a_list(telecom: list[Any], changed: list[Any] | None) -> None:
    assert change_telecom(telecom, NEW, TODAY) == changed


def test_of_several_mobile_phones_the_one_of_the_best_rank_is_replaced() -> None:
    second = {**MOBILE, "value": "+62822", "rank": 1}
    after = change_telecom([MOBILE, second], NEW, TODAY)
    assert after is not None
    assert after[:2] == [MOBILE, {**FRESH, "rank": 1}]


def test_another_use_can_be_asked_for() -> None:
    work = {**MOBILE, "use": "work"}
    assert change_telecom([MOBILE, work], NEW, TODAY, "work") == [
        MOBILE,
        {**FRESH, "use": "work"},
        {**work, "use": "old", "period": {"end": "2026-11-22"}},
    ]
