"""A file is published whole or not at all, and says where it is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from sync.hq_server import feed
from sync.hq_server.hq import Hq
from sync.hq_server.publish import TOMBSTONES_MS, BadRows, Published, publish_file, take_away
from sync.topics import TOPICS
from tests.package_kit import bare, package, signed
from tests.shop_kit import STORE
from tests.sync.feed_kit import make_hq, sees


@pytest.fixture
def hq(tmp_path: Path) -> Hq:
    return make_hq(f"sqlite:///{tmp_path}/hq.sqlite")


def put(hq: Hq, topic: str, rows: Any, **how: Any) -> Published:
    return publish_file(hq, topic, json.dumps(rows).encode(), is_csv=False, **how)


def put_csv(hq: Hq, topic: str, text: str, **how: Any) -> Published:
    return publish_file(hq, topic, text.encode(), is_csv=True, **how)


def bodies(hq: Hq, topic: str, store: str = STORE) -> dict[str, Any]:
    return {key: json.loads(body) for key, (_, body) in sees(hq, topic, store).items()}


def wrong(hq: Hq, topic: str, rows: Any) -> list[tuple[str, str]]:
    with pytest.raises(BadRows) as raised:
        put_csv(hq, topic, rows) if isinstance(rows, str) else put(hq, topic, rows)
    assert sees(hq, topic) == {}
    return [tuple(problem) for problem in raised.value.problems]


def test_csv_and_json_give_the_same_rows(hq: Hq) -> None:
    put(hq, "staff", [{"staff": "1001", "name": "王芳", "role": "cashier", "pin_hash": "x", "active": False}])
    from_json = bodies(hq, "staff")
    put_csv(hq, "staff", "staff,name,role,pin_hash,badge,active\n1001,王芳,cashier,x,,false\n")
    assert bodies(hq, "staff") == from_json and sees(hq, "staff")["1001"][0] == 1  # the same row, so no new rev


def test_a_row_may_name_its_store(hq: Hq) -> None:
    put_csv(hq, "allowances", f"token,store,promotion,lane,quantity\nT1,{STORE},FIRST,01,30\nT2,S002,FIRST,01,30\n")
    assert list(bodies(hq, "allowances")) == ["@T1"] and list(bodies(hq, "allowances", "S002")) == ["@T2"]


def test_a_goods_file_is_published_as_a_shop_would_import_it(hq: Hq) -> None:
    put_csv(hq, "catalogue", "codes,name_zh,price_yuan,member_price_yuan,weighed\n6901,可乐,3.50,,0\n00501,苹果,9.98,8.8,是\n")
    assert bodies(hq, "catalogue")["00501"]["member_price_fen"] == 880
    assert (bodies(hq, "catalogue")["6901"]["price_fen"], bodies(hq, "catalogue")["6901"]["codes"]) == (350, ["6901"])
    with pytest.raises(BadRows, match="no_name"):
        put_csv(hq, "catalogue", "codes,name_zh,price_yuan\n6902,,1.00\n")


def test_a_full_list_takes_away_what_has_left_it_for_its_own_stores_only(hq: Hq) -> None:
    put(hq, "stop_sales", [{"sku": "A"}, {"sku": "B"}])
    put(hq, "stop_sales", [{"sku": "C"}], store=STORE)
    done = put(hq, "stop_sales", [{"sku": "B"}, {"sku": "D"}], is_full=True)
    assert (done.rows, done.taken_away) == (2, 1) and set(bodies(hq, "stop_sales")) == {"B", "D", "@C"}
    assert put(hq, "stop_sales", [], store=STORE, is_full=True).taken_away == 1
    take_away(hq, "stop_sales", ["D"])
    assert set(bodies(hq, "stop_sales")) == {"B"}


def test_every_problem_is_named_with_its_place_and_nothing_is_published(hq: Hq) -> None:
    rows: list[Any] = [{"staff": "1001", "name": "a", "role": "b", "pin_hash": "c"}, {"staff": "1002", "name": 5, "role": "b",
            "pin_hash": "c"}, {"name": "a"}, {"staff": "1001", "name": "a", "role": "b", "pin_hash": "c", "pin": 1}]  # fmt: skip
    assert [path for path, _ in wrong(hq, "staff", rows)] == ["$[1] name", "$[2] staff", "$[3]"]
    rows = rows[:1] * 2
    assert wrong(hq, "staff", rows) == [("$[1] staff", "twice in this file: 1001")]
    assert wrong(hq, "staff", "staff,name\n1001\n")[0][0] == "line 2"
    assert wrong(hq, "staff", {"staff": "1001"})[0][0] == "$"
    assert wrong(hq, "orders", [{"order": "@1"}])[0][0] == "$[0] order"
    assert wrong(hq, "orders", [{"order": "1", "weight": 1.5}])[0][0] == "$[0]"
    with pytest.raises(BadRows, match="not JSON"):
        publish_file(hq, "staff", b"[", is_csv=False)
    with pytest.raises(BadRows, match="UTF-8"):
        publish_file(hq, "staff", b"staff\n\xff\n", is_csv=True)


def test_a_package_goes_to_its_shop_once_it_has_passed_the_checks_of_packages(hq: Hq) -> None:
    publish_file(hq, "packages", signed(package("2026-1")), is_csv=False)
    assert list(bodies(hq, "packages")) == ["@2026-1"] and bodies(hq, "packages", "S002") == {}
    for data in (signed(package("2026-2", {"id": "x"})), bare(package("2026-3")), b"{", signed(package("2026-4", shop=""))):
        with pytest.raises(BadRows):
            publish_file(hq, "packages", data, is_csv=False)
    with pytest.raises(BadRows, match="shop"):
        publish_file(hq, "packages", signed(package("2026-5")), is_csv=False, store="S002")
    assert list(bodies(hq, "packages")) == ["@2026-1"]


@pytest.mark.parametrize("topic", [name for name, topic in TOPICS.items() if topic.row])
def test_garbage_is_refused_in_every_topic_that_has_a_form(hq: Hq, topic: str) -> None:
    for row in ({"x": 1}, {TOPICS[topic].key: "k", "x": 1}, {TOPICS[topic].key: "k", "name": None, "price_fen": -1}):
        assert wrong(hq, topic, [row])


def test_tombstones_go_when_they_are_old_and_old_cursors_with_them(hq: Hq) -> None:
    put(hq, "stop_sales", [{"sku": "A"}])
    take_away(hq, "stop_sales", ["A"])
    hq.clock.now_ms += TOMBSTONES_MS + 1  # type: ignore[attr-defined]
    put(hq, "stop_sales", [{"sku": "B"}])
    with hq.database.read() as connection:
        assert feed.topic_states(connection)["stop_sales"] == (3, 2)
