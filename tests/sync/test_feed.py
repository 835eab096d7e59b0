"""Topics at HQ: a row has the newest state of its key under the newest rev, and no cursor ever passes a row unseen."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.hq_server import feed
from sync.hq_server.hq import Hq
from sync.protocol import Page, Pull, Pulled, Row
from tests.sync.feed_kit import TILL, make_hq, publish
from tests.sync.hq_kit import open_hq, sqlite_url
from tests.sync.postgres import Cluster

MINE, OTHER = "S001", "S002"


def pull(hq: Hq, cursors: dict[str, int] | None = None, *, generation: bytes | None = None, most: int = 1_000) -> Pulled:
    with hq.database.read() as connection:
        own = hq.generation(connection)
    message = Pull(generation=own if generation is None else generation, cursors=cursors or {}, rows_max=most)
    return feed.pull(hq, TILL, message)


def pull_all(hq: Hq, topic: str, after: int, most: int) -> Iterator[Page]:
    """Pages of one topic until there is no more."""
    while True:
        (page,) = (page for page in pull(hq, {topic: after}, most=most).pages if page.topic == topic)
        yield page
        after = page.rev
        if not page.more:
            return


def test_a_device_gets_what_is_for_all_and_for_its_own_store_and_nothing_else(hq: Hq) -> None:
    publish(hq, "stop_sales", {"A": {"n": 1}})
    publish(hq, "stop_sales", {"A": {"n": 2}}, MINE)
    publish(hq, "stop_sales", {"B": {"n": 3}}, OTHER)
    (page,) = pull(hq).pages
    assert page.rows == [Row(1, "A", b'{"n":1}'), Row(2, "@A", b'{"n":2}')]
    assert (page.rev, page.more) == (3, False)


def test_only_the_newest_state_of_a_key_travels_and_a_tombstone_is_a_state(hq: Hq) -> None:
    publish(hq, "staff", {"1001": {"v": 1}, "1002": {"v": 1}})
    publish(hq, "staff", {"1001": {"v": 2}, "1002": None})
    (page,) = pull(hq, {"staff": 2}).pages
    assert page.rows == [Row(3, "1001", b'{"v":2}'), Row(4, "1002", None)]


def test_what_is_published_again_unchanged_is_not_sent_again(hq: Hq) -> None:
    publish(hq, "staff", {"1001": {"v": 1}, "1002": {"v": 1}})
    rev = publish(hq, "staff", {"1001": {"v": 1}, "1002": {"v": 2}})
    (page,) = pull(hq, {"staff": 2}).pages
    assert [row.key for row in page.rows] == ["1002"] and page.rev == rev


@pytest.mark.parametrize("most", [1, 3, 7, 1_000])
def test_pages_of_any_size_have_every_row_once_in_order(hq: Hq, most: int) -> None:
    for n in range(4):
        publish(hq, "catalogue", {f"K{n}{m}": {"n": m} for m in range(5)}, (MINE, "", OTHER, MINE)[n])
    pages = list(pull_all(hq, "catalogue", 1, most))
    rows = [row for page in pages for row in page.rows]
    assert [row.rev for row in rows] == [2, 3, 4, 5, *range(6, 11), *range(16, 21)]
    assert all(page.rows[-1].rev == page.rev for page in pages if page.more)


def test_a_cursor_passes_the_rows_of_other_stores(hq: Hq) -> None:
    publish(hq, "catalogue", {"A": {}}, MINE)
    publish(hq, "catalogue", {f"B{n}": {} for n in range(50)}, OTHER)
    (page,) = pull(hq, {"catalogue": 1}).pages
    assert (page.rows, page.rev, page.more) == ([], 51, False)


def test_rows_max_counts_over_all_topics_and_a_topic_that_got_none_says_that_there_is_more(hq: Hq) -> None:
    publish(hq, "catalogue", {f"A{n}": {} for n in range(20)})
    publish(hq, "staff", {f"S{n}": {} for n in range(5)})
    pages = {page.topic: page for page in pull(hq, most=5).pages}
    assert len(pages["staff"].rows) == 5 and not pages["staff"].more  # the shortest first
    assert (pages["catalogue"].rows, pages["catalogue"].rev, pages["catalogue"].more) == ([], 0, True)


def test_a_page_ends_before_its_bodies_are_too_large_and_a_single_large_row_travels_alone(hq: Hq) -> None:
    big = {"x": "y" * (feed.PAGE_BYTES_MAX // 2 - 100)}
    publish(hq, "packages", {"1": big, "2": big, "3": {"x": "y" * feed.PAGE_BYTES_MAX * 2}, "4": {}})
    assert [[row.key for row in page.rows] for page in pull_all(hq, "packages", 0, 1_000)] == [["1", "2"], ["3"], ["4"]]


def test_a_cursor_of_another_generation_or_from_the_future_or_older_than_the_tombstones_is_gone(hq: Hq) -> None:
    publish(hq, "staff", {"1001": {}, "1002": {}})
    assert pull(hq, {"staff": 2}, generation=b"other").gone == ["staff"]
    assert pull(hq, {"staff": 3}).gone == ["staff"]
    assert pull(hq, {"unheard": 1}).gone == ["unheard"]
    assert pull(hq, {"staff": 0}, generation=b"").gone == []
    publish(hq, "staff", {"1001": None})
    with hq.database.write() as connection:
        assert feed.purge_tombstones(connection, hq.clock.wall_ms() + 1) == 1
    assert pull(hq, {"staff": 2}).gone == ["staff"] and pull(hq, {"staff": 2}).pages == []
    assert pull(hq, {"staff": 3}).gone == []


def test_a_device_that_has_nothing_yet_takes_a_large_topic_as_a_snapshot(hq: Hq) -> None:
    publish(hq, "catalogue", {f"A{n}": {} for n in range(feed.BOOTSTRAP_ROWS + 1)}, OTHER)
    assert pull(hq).gone == []  # another store's rows do not count
    publish(hq, "catalogue", {f"A{n}": {} for n in range(feed.BOOTSTRAP_ROWS + 1)})
    assert pull(hq).gone == ["catalogue"]
    assert pull(hq, {"catalogue": 1}).gone == []


def test_no_key_looks_like_one_of_a_stores_own(hq: Hq) -> None:
    with pytest.raises(ValueError, match="begins"):
        publish(hq, "staff", {"@1001": {}})


def test_a_tombstone_that_is_purged_while_a_page_is_made_is_not_passed_over(hq: Hq, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at the topics and the look at the rows another process forgets one: the page is of one moment."""
    publish(hq, "staff", {"1001": {}, "1002": {}})
    publish(hq, "staff", {"1001": None, "1003": {}})
    make_page = feed._page

    def page_after_a_purge(*args: Any) -> Page:
        with hq.database.write() as other:
            assert feed.purge_tombstones(other, hq.clock.wall_ms() + 1) == 1
        return make_page(*args)

    with monkeypatch.context() as patch:
        patch.setattr(feed, "_page", page_after_a_purge)
        (page,) = pull(hq, {"staff": 2}).pages
    assert page.rows == [Row(3, "1001", None), Row(4, "1003", b"{}")] and page.rev == 4
    assert pull(hq, {"staff": 2}).gone == ["staff"]


def test_no_row_commits_behind_a_cursor_that_a_reader_was_given(postgres: Cluster) -> None:
    """Two writers at once: the first takes its rev and waits, the second would be done first if it did not wait as well."""
    hq = make_hq(postgres.new_database())
    publish(hq, "staff", {"0": {}})
    other = threading.Thread(target=publish, args=(hq, "staff", {"B": {}}))
    with hq.database.write() as connection:
        feed.publish(connection, "staff", [("", "A", b"{}")], 1)
        other.start()
        while other.is_alive() and not somebody_waits(hq):
            pass
        seen = pull(hq, {"staff": 1}).pages
    other.join()
    cursor = seen[-1].rev if seen else 1
    rows = [row.key for page in seen for row in page.rows] + [
        row.key for page in pull(hq, {"staff": cursor}).pages for row in page.rows
    ]
    assert rows == ["A", "B"]
    hq.database.engine.dispose()


def somebody_waits(hq: Hq) -> bool:
    with hq.database.read() as connection:
        return bool(connection.exec_driver_sql("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'").first())


def test_a_cursor_from_what_a_restored_hq_has_lost_is_gone_even_when_nobody_said_so(tmp_path: Path) -> None:
    """As many rows are published again as were lost: a count alone would take the old cursor for one of its own."""
    hq = make_hq(url := sqlite_url(tmp_path))
    kept = publish(hq, "prices", {"A": {"n": 1}})
    hq.database.close()
    backup = (tmp_path / "hq.sqlite").read_bytes()
    lost = publish(hq := open_hq(url), "prices", {"A": {"n": 2}, "B": {}})
    hq.database.close()
    (tmp_path / "hq.sqlite").write_bytes(backup)
    again = publish(hq := open_hq(url), "prices", {"A": {"n": 3}, "C": {}, "D": {}})
    publish(hq, "later", {"E": {}})
    assert pull(hq, {"prices": lost}).gone == ["prices"]
    assert pull(hq, {"prices": kept}).gone == pull(hq, {"prices": again}).gone == []
    hq.database.close()


def test_a_row_that_had_moved_beyond_a_cursor_and_stands_below_it_again_is_not_missed(tmp_path: Path) -> None:
    """Between two pages of a topic HQ is put back, and nobody says so: the cursor was given by what HQ has lost."""
    hq = make_hq(url := sqlite_url(tmp_path))
    publish(hq, "prices", {"A": {"n": 1}})
    publish(hq, "prices", {"B": {}})
    hq.database.close()
    backup = (tmp_path / "hq.sqlite").read_bytes()
    publish(hq := open_hq(url), "prices", {"A": {"n": 2}})
    with hq.database.read() as connection:
        asked = Pull(generation=hq.generation(connection), cursors={}, rows_max=1)
    (page,) = feed.pull(hq, TILL, asked).pages
    assert [row.key for row in page.rows] == ["B"] and page.more  # A comes on the next page
    hq.database.close()
    (tmp_path / "hq.sqlite").write_bytes(backup)
    hq = open_hq(url)
    next_one = Pull(generation=asked.generation, cursors={"prices": page.rev}, newest={"prices": page.newest})
    assert feed.pull(hq, TILL, next_one).gone == ["prices"]
    publish(hq, "prices", {"C": {}})
    assert feed.pull(hq, TILL, next_one).gone == ["prices"]
    hq.database.close()
