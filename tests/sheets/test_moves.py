"""X-09: where a row is now that was read a while ago. It is followed or reported, and no other row gets its status."""

from hypothesis import given
from hypothesis import strategies as st

from backoffice.adapters.sheets import Key, Place, post_statuses, where_now
from backoffice.sandbox.sheets import Book, SheetsServer
from tests.sheets.conftest import Open
from tests.sheets.world import QUICK, SHEET, many, rows_of, status

KEYS = st.tuples(st.sampled_from(["", "a", "b", "c", "d", "e"]), st.sampled_from(["1", "2"]))
TABLES = st.lists(KEYS, max_size=12).map(lambda keys: dict(enumerate(keys, start=2)))
DISTINCT = st.lists(st.integers(0, 99), unique=True, min_size=1, max_size=30)


@given(TABLES, TABLES)
def test_every_row_has_a_verdict_and_only_a_row_with_its_key_as_its_place(
    read: dict[int, Key], now: dict[int, Key]
) -> None:
    places = where_now(read, now)
    assert places.keys() == read.keys()
    taken = [place.row for place in places.values() if place.row is not None]
    assert len(set(taken)) == len(taken)
    for row, (place, verdict) in places.items():
        assert (place is None) == (verdict in ("changed", "ambiguous", "gone"))
        if place is not None:
            assert now[place] == read[row]
        if verdict == "moved":
            assert list(now.values()).count(read[row]) == list(read.values()).count(read[row]) == 1
            assert read[row][0]
        if verdict == "gone":
            assert read[row][0] not in {identifier for identifier, _ in now.values()}


@given(DISTINCT, st.randoms(), st.integers(0, 5))
def test_rows_that_are_sorted_or_shifted_are_all_found(numbers: list[int], random: "st.Random", shift: int) -> None:  # type: ignore[name-defined]
    keys = [(f"id-{number}", "0812") for number in numbers]
    shuffled = random.sample(keys, len(keys))
    read = dict(enumerate(keys, start=2))
    now = dict(enumerate(shuffled, start=2 + shift))
    places = where_now(read, now)
    assert {row: now[place.row] for row, place in places.items() if place.row is not None} == read


def test_each_verdict_by_example() -> None:
    read = {2: ("a", "1"), 3: ("b", "1"), 4: ("c", "1"), 5: ("d", "1"), 6: ("e", "1"), 7: ("", "9"), 8: ("f", "1")}
    now = {2: ("a", "1"), 3: ("c", "1"), 4: ("b", "2"), 5: ("e", "1"), 9: ("e", "1"), 10: ("", "9")}
    assert where_now(read, now) == {
        2: Place(2, "same"),
        3: Place(None, "changed"),
        4: Place(3, "moved"),
        5: Place(None, "gone"),
        6: Place(None, "ambiguous"),
        7: Place(None, "ambiguous"),
        8: Place(None, "gone"),
    }


def test_equal_rows_are_the_same_where_they_stay_and_ambiguous_where_they_move() -> None:
    twins = {2: ("a", "1"), 3: ("a", "1")}
    assert where_now(twins, {2: ("a", "1"), 3: ("a", "1")}) == {2: Place(2, "same"), 3: Place(3, "same")}
    assert where_now(twins, {2: ("a", "1"), 4: ("a", "1")}) == {2: Place(2, "same"), 3: Place(None, "ambiguous")}
    assert where_now(twins, {5: ("a", "1")}) == {2: Place(None, "ambiguous"), 3: Place(None, "ambiguous")}


def test_statuses_follow_their_rows_through_a_sort(connect: Open, server: SheetsServer) -> None:
    server.book = Book({SHEET: many(300)})
    sheet = connect()
    rows = rows_of(sheet)
    server.book.grid(SHEET).sort(3, descending=True)
    posted = post_statuses(sheet, [status(row, f"failed: {row.identifier}") for row in rows[:100]], QUICK)
    assert posted.written == {row.number: 303 - row.number for row in rows[:100]}
    told = {row[2]: row[6] for row in server.book.grid(SHEET).cells[1:]}
    assert told == {row.identifier: f"failed: {row.identifier}" if row.number < 102 else "" for row in rows}


def test_inserted_and_deleted_rows_do_not_shift_a_status(connect: Open, server: SheetsServer) -> None:
    sheet = connect()
    rows = rows_of(sheet)
    grid = server.book.grid(SHEET)
    grid.insert(2, [["", "0899", "new", "", "", "", "kept"]])
    grid.delete(4, 1)
    posted = post_statuses(sheet, [status(row) for row in rows], QUICK)
    assert posted.written == {2: 3, 4: 4, 5: 5, 6: 6}
    assert posted.not_written == {3: "gone"}
    assert [row[6] if len(row) > 6 else "" for row in grid.cells[1:]] == ["kept", *["success"] * 4]


def test_a_number_that_was_corrected_meanwhile_gets_no_status(connect: Open, server: SheetsServer) -> None:
    """What became of the old number is not told as the new one's."""
    sheet = connect()
    rows = rows_of(sheet)
    server.book.write(f"{SHEET}!B2", [["0899-1111-2222"]], entered=False)
    posted = post_statuses(sheet, [status(row) for row in rows], QUICK)
    assert posted.not_written == {2: "changed"}
    assert server.book.grid(SHEET).cells[1][6] == ""


def test_where_no_row_is_left_nothing_is_written(connect: Open, server: SheetsServer) -> None:
    sheet = connect()
    row = rows_of(sheet)[0]
    server.book.grid(SHEET).delete(2, 5)
    assert post_statuses(sheet, [status(row)], QUICK).not_written == {2: "gone"}
    assert server.calls["values.batchUpdate"] == 0
