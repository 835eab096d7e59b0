"""Canonical JSON: the same value, the same bytes; no float, no null."""

import dataclasses
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pos_app.domain.basket import OPS
from pos_app.domain.events import KINDS
from pos_app.domain.plain import from_json, to_json

LEAVES = st.integers() | st.text() | st.booleans()
PLAIN = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)


@pytest.mark.parametrize("kind", sorted(KINDS))
@settings(max_examples=25)
@given(data=st.data())
def test_every_kind_of_event_comes_back_from_its_bytes(kind: str, data: st.DataObject) -> None:
    event = data.draw(st.from_type(KINDS[kind]))
    payload = to_json(event)
    assert from_json(KINDS[kind], payload) == event
    assert to_json(from_json(KINDS[kind], payload)) == payload


@pytest.mark.parametrize("name", sorted(set(OPS)))
@settings(max_examples=25)
@given(data=st.data())
def test_every_basket_operation_comes_back_from_its_bytes(name: str, data: st.DataObject) -> None:
    op = data.draw(st.from_type(OPS[name]))
    assert from_json(OPS[name], to_json(op)) == op


@given(PLAIN)
def test_bytes_are_canonical_whatever_order_the_keys_came_in(value: Any) -> None:
    assert to_json(_shuffled(value, random.Random(3))) == to_json(value)
    assert to_json(json.loads(to_json(value))) == to_json(value)


def _shuffled(value: Any, draw: random.Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        draw.shuffle(keys)
        return {key: _shuffled(value[key], draw) for key in keys}
    return [_shuffled(item, draw) for item in value] if isinstance(value, list) else value


def test_bytes_are_utf8_without_blanks_and_with_sorted_keys() -> None:
    assert to_json({"b": [1, "苹果"], "a": True}) == '{"a":true,"b":[1,"苹果"]}'.encode()


@dataclasses.dataclass(frozen=True)
class Box:
    what: Any = None
    also: int | None = None


@pytest.mark.parametrize("value", [1.5, float("nan"), [1, 2.0], {"a": {"b": 0.0}}, Box(1.0), Box([Box({"x": (1.0,)})])])
def test_a_float_is_refused_at_any_depth(value: Any) -> None:
    with pytest.raises(TypeError):
        to_json(value)


@pytest.mark.parametrize("value", [{1.5: "a"}, {None: 1}, {1: "a"}, {True: 1}, Box({2: "a"})])
def test_only_texts_are_keys(value: Any) -> None:
    """json turns 1.5, None and True into texts without a word: two values would share their bytes."""
    with pytest.raises(TypeError):
        to_json(value)


@pytest.mark.parametrize("value", [None, [None], {"a": None}, Box([1, None])])
def test_a_null_is_refused_where_it_cannot_be_left_out(value: Any) -> None:
    with pytest.raises(TypeError):
        to_json(value)


def test_a_field_that_holds_none_is_left_out_and_comes_back_as_its_default() -> None:
    assert to_json(Box(what="x")) == b'{"what":"x"}'
    assert from_json(Box, b'{"what":"x"}') == Box("x")


def test_what_is_neither_plain_nor_a_dataclass_is_refused() -> None:
    for value in (object(), {1, 2}, b"bytes", 1j):
        with pytest.raises(TypeError):
            to_json(value)
