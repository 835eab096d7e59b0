"""The catalogue: every good is found by its name, a piece of it, its initials and its code; codes match exactly."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_app.demo import shop as demo_shop
from store_db import catalogue
from store_db.connection import connect
from store_db.store import Store
from tests.shop_kit import good

NOW = 1_790_000_000_000
OWN = list(demo_shop.own_goods())
FOREIGN = list(demo_shop.open_food_facts())


@pytest.fixture(scope="module")
def connection(demo_store_file) -> Iterator[object]:  # type: ignore[no-untyped-def]
    connection = connect(demo_store_file, read_only=True)
    yield connection
    connection.close()


def found(connection, text: str) -> list[str]:  # type: ignore[no-untyped-def]
    return [item.sku for item in catalogue.search(connection, text, NOW)]


def missing(connection, rows, text_of) -> list[tuple[str, str]]:  # type: ignore[no-untyped-def]
    """Goods that a text does not find. A full page of 50 answers that all fit leaves no room: the person types on."""
    lost = []
    for row in rows:
        text = text_of(row)
        answer = found(connection, text) if text else [row["sku"]]
        if row["sku"] not in answer and len(answer) < 50:
            lost.append((row["sku"], text))
    return lost


def test_every_good_is_found_by_each_of_its_codes(connection) -> None:  # type: ignore[no-untyped-def]
    for row in (*OWN, *FOREIGN):
        for code in row["codes"]:
            item = catalogue.find_by_code(connection, code, NOW)
            assert item is not None
            assert item.sku == row["sku"]


@pytest.mark.parametrize("key", ["name", "name_en"])
def test_every_own_good_is_the_first_answer_to_its_full_name(connection, key: str) -> None:  # type: ignore[no-untyped-def]
    names = [row[key] for row in OWN]
    wrong = [
        row["sku"] for row in OWN if row[key] and names.count(row[key]) == 1 and found(connection, row[key])[:1] != [row["sku"]]
    ]
    assert not wrong


def test_every_foreign_good_is_found_by_its_full_name(connection) -> None:  # type: ignore[no-untyped-def]
    same: dict[str, int] = {}
    for row in FOREIGN:
        same[row["name"].casefold()] = same.get(row["name"].casefold(), 0) + 1
    rows = [row for row in FOREIGN[::5] if same[row["name"].casefold()] <= 20 and catalogue.match_words(row["name"])]
    lost = [row["sku"] for row in rows if row["sku"] not in found(connection, row["name"])]
    assert not lost, (len(lost), lost[:5])


@pytest.mark.parametrize("at", [0, 1, 2])
def test_every_own_good_is_found_by_a_piece_of_two_characters(connection, at: int) -> None:  # type: ignore[no-untyped-def]
    def piece(row: dict[str, str]) -> str:
        text = row["name"][at : at + 2]
        return text if len(text) == 2 and catalogue.CHINESE.fullmatch(text) else ""

    assert missing(connection, OWN, piece) == []


def test_every_own_good_is_found_by_its_initials_from_any_syllable(connection) -> None:  # type: ignore[no-untyped-def]
    for at in (0, 1, 2):
        assert (
            missing(connection, OWN, lambda row, at=at: row["pinyin"][at:].lower() if len(row["pinyin"]) > at + 1 else "") == []
        )


def test_every_own_good_is_found_by_its_code_and_by_the_beginning_of_it(connection) -> None:  # type: ignore[no-untyped-def]
    assert missing(connection, OWN, lambda row: row["codes"][0]) == []
    assert missing(connection, OWN, lambda row: row["codes"][0][:-3]) == []


def test_an_answer_always_fits_the_question(connection) -> None:  # type: ignore[no-untyped-def]
    for text in ("可乐", "牛奶", "cola", "kl"):
        for item in catalogue.search(connection, text, NOW):
            row = connection.execute("SELECT name, name_en, pinyin FROM items WHERE sku = ?", (item.sku,)).fetchone()
            assert text in " ".join(row).casefold()


def test_a_page_of_answers_is_bounded(connection) -> None:  # type: ignore[no-untyped-def]
    for text in ("a", "6", "1", "de", "水", "e"):
        assert 0 < len(found(connection, text)) <= 50


@given(text=st.text(max_size=40) | st.text("\"'*()-:^{}[]%_ aA可乐69²½ßﬁ", max_size=20))
def test_any_text_can_be_searched(walk_store: Store, text: str) -> None:
    assert len(catalogue.search(walk_store.connection, text, NOW)) <= 50


@pytest.fixture(scope="module")
def walk_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    from pos_app.demo.day import DayClock, SeededIds
    from tests.shop_kit import make_store

    with make_store(tmp_path_factory.mktemp("catalogue") / "shop.sqlite", DayClock(), SeededIds(1)) as store:
        yield store


def test_codes_match_exactly_and_case_counts(walk_store: Store) -> None:
    with walk_store.transaction() as connection:
        catalogue.put_items(connection, [good("CASE", ["AbC-1"], 100)], NOW)
    for code in ("AbC-1 ", "abc-1", "AbC-", "AbC-%", "AbC-_", "AbC-1\x00"):
        assert catalogue.find_by_code(walk_store.connection, code, NOW) is None
    assert catalogue.find_by_code(walk_store.connection, "AbC-1", NOW) is not None


def test_a_good_that_comes_again_is_changed_and_found_by_its_new_name_only(walk_store: Store) -> None:
    for name in ("旧名茶叶", "新名咖啡"):
        with walk_store.transaction() as connection:
            catalogue.put_items(connection, [good("AGAIN", ["555"], 100, name=name)], NOW)
    assert found(walk_store.connection, "旧名") == []
    assert found(walk_store.connection, "新名") == ["AGAIN"]
    assert catalogue.find_by_code(walk_store.connection, "555", NOW).name == "新名咖啡"  # type: ignore[union-attr]


def test_the_tax_rate_is_the_one_that_holds_now(walk_store: Store) -> None:
    with walk_store.transaction() as connection:
        connection.execute("INSERT INTO tax_rates VALUES ('S13', ?, 1500)", (NOW + 1_000,))
    water = "6990000010106"
    rates = [catalogue.find_by_code(walk_store.connection, water, NOW + ms).tax_bp for ms in (0, 999, 1_000)]  # type: ignore[union-attr]
    assert rates == [1_300, 1_300, 1_500]


def test_an_empty_catalogue_answers_nothing_and_says_how_old_it_is(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from pos_app.demo.day import DayClock, SeededIds

    with Store.create(tmp_path / "empty.sqlite", "S001", clock=DayClock(), ids=SeededIds(1)) as store:
        assert catalogue.search(store.connection, "水", NOW) == []
        assert catalogue.updated_ms(store.connection) == 0
