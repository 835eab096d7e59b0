"""Events: the chain's hash covers every byte of the header and the payload; a sale adds up or is none."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_app.domain.events import GENESIS, KINDS, Header, Sale, SaleLine, chain_hash, number_text, sale_is_whole
from pos_app.domain.pricing.model import TaxShare
from pos_app.domain.tender import Tender

HEADER = Header(b"d" * 16, b"e" * 8, 7, b"u" * 16, "sale", 1, "01", "2026-03-01", 1_790_000_000_000, 99, b"b" * 16, 0)
HEADERS = st.builds(
    Header, st.binary(max_size=16), st.binary(max_size=8), st.integers(1, 2**40), st.binary(max_size=16), st.text(max_size=12),
    st.integers(1, 9), st.text(max_size=4), st.text(max_size=10), st.integers(-(2**40), 2**45), st.integers(0, 2**45),
    st.binary(max_size=16), st.integers(-(2**40), 2**40),
)  # fmt: skip


def _other(value: Any) -> Any:
    if isinstance(value, int):
        return value + 1
    return value + b"x" if isinstance(value, bytes) else value + "x"


@given(HEADERS, st.binary(max_size=40))
def test_changing_any_field_changes_the_hash(header: Header, payload: bytes) -> None:
    before = chain_hash(GENESIS, header, payload)
    for field in dataclasses.fields(Header):
        changed = dataclasses.replace(header, **{field.name: _other(getattr(header, field.name))})
        assert chain_hash(GENESIS, changed, payload) != before, field.name
    assert chain_hash(GENESIS, header, payload + b"x") != before
    assert chain_hash(bytes(31) + b"\1", header, payload) != before


@given(HEADERS, HEADERS, st.binary(max_size=8), st.binary(max_size=8))
def test_two_different_events_have_two_hashes(a: Header, b: Header, p: bytes, q: bytes) -> None:
    assert (chain_hash(GENESIS, a, p) == chain_hash(GENESIS, b, q)) == ((a, p) == (b, q))


@pytest.mark.parametrize(("left", "right"), [("kind", "lane"), ("lane", "business_date"), ("device", "epoch")])
def test_moving_a_byte_from_one_field_to_its_neighbour_changes_the_hash(left: str, right: str) -> None:
    a, b = getattr(HEADER, left), getattr(HEADER, right)
    moved = dataclasses.replace(HEADER, **{left: a[:-1], right: a[-1:] + b})
    assert chain_hash(GENESIS, moved, b"{}") != chain_hash(GENESIS, HEADER, b"{}")


def test_the_hash_of_a_known_event_stays_the_same_for_ever() -> None:
    """A changed hash would call every journal ever written a forgery."""
    assert chain_hash(GENESIS, HEADER, b'{"a":1}').hex() == "decbd3700eae4862188cd45bac33460b41af6b7bfcf93159ad7a3cfbcea7ca0c"


def test_kinds_are_registered_under_their_own_names_and_frozen() -> None:
    for kind, cls in KINDS.items():
        assert cls.kind == kind
        assert cls.__dataclass_params__.frozen  # type: ignore[attr-defined]
        assert cls.schema >= 1


def test_the_number_on_paper_names_store_lane_series_and_counter() -> None:
    assert number_text("S001", "03", "7K2Q", 123) == "S001-03-7K2Q-000123"


# ------------------------------------------------------------------ a sale's own sums

LINE = SaleLine("A", "1", "A", 2, 350, 700, 640, "S13", 1_300)
SALE = Sale(
    1, 1, "n", "01", 1, "1001", (LINE,), list_fen=700, discount_fen=60, total_fen=640, rounding_fen=0, item_count=2,
    taxes=(TaxShare("S13", 1_300, 640, 74),), tenders=(Tender("cash", 640, 1_000, 360),), package="p",
)  # fmt: skip


def test_a_sale_that_adds_up_is_whole() -> None:
    assert sale_is_whole(SALE)


@pytest.mark.parametrize(
    "change",
    [
        {"total_fen": 641}, {"list_fen": 701}, {"discount_fen": 0}, {"rounding_fen": -1}, {"item_count": 3}, {"taxes": ()},
        {"tenders": ()}, {"lines": ()}, {"tenders": (Tender("cash", 640, 1_000, 361),)},
    ],
)  # fmt: skip
def test_a_sale_with_one_figure_changed_is_not_whole(change: dict[str, Any]) -> None:
    assert not sale_is_whole(dataclasses.replace(SALE, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"rounding_fen": 5, "tenders": (Tender("cash", 645, 1_000, 355),)},
        {"lines": (dataclasses.replace(LINE, net_fen=700), dataclasses.replace(LINE, quantity=0, list_fen=0, net_fen=-60))},
        {"tenders": (Tender("cash", 700, 700), Tender("cash", -60, -60))},
    ],
    ids=["rounded_up", "negative_line", "negative_tender"],
)  # fmt: skip
def test_sums_that_only_hold_by_a_negative_part_or_by_rounding_up_are_not_whole(change: dict[str, Any]) -> None:
    """The docstrings promise it: rounding is zero or below, and `list_fen - discount_fen == net_fen` line by line."""
    assert not sale_is_whole(dataclasses.replace(SALE, **change))
