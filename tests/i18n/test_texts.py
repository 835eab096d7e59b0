"""Texts: two languages with equal keys, a text for every code, a value for every placeholder, a line that fits."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from hardware.paper import cells
from pos_app.domain import permissions
from pos_app.domain.errors import RECOVERIES
from pos_app.domain.lane.members import MEMBER_MENU
from pos_app.domain.lane.self_checkout import VISIT, WAYS
from pos_app.domain.lane.shifts import MENU
from pos_app.domain.lane.state import LaneConfig
from pos_app.domain.pricing import shelf
from pos_app.domain.return_kept import DIFFERS, NO_PACKAGE
from pos_app.domain.tender import CARD_TERMINAL, CASH
from pos_app.i18n import LANGUAGES, text
from tests.shop_kit import ROOT

ZH, EN = LANGUAGES["zh"], LANGUAGES["en"]
SOURCES = sorted(path for package in ("pos_app", "store_db", "hardware", "scanner") for path in (ROOT / package).rglob("*.py"))
# Codes that SQLite's errors are translated to: `store_db.connection.translated` gives them a path and a detail.
TRANSLATED = ("POS-1002", "POS-1003", "POS-1004", "POS-1005", "POS-1007")
LONG = {
    "name": "超长商品名称" * 5, "path": "/var/lib/lanewise/shops/S001/shop.sqlite", "detail": "x" * 40,
    "code": "69012345678901234…", "file": "goods-2026-09-23.xlsx", "missing": "code, name, price", "what": "x" * 30,
    "number": "S001-01-7K2Q-000123", "label": "01-001",
    "text": "x" * 20, "package": "python-calamine", "updated": "09-23 18:42",
}  # fmt: skip


def placeholders(words: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(words) if name is not None}


def test_both_languages_have_the_same_keys() -> None:
    assert ZH.keys() == EN.keys()


def test_a_text_has_the_same_placeholders_in_both_languages() -> None:
    assert [key for key in ZH if placeholders(ZH[key]) != placeholders(EN[key])] == []


def test_texts_have_no_outer_blanks_and_no_control_characters() -> None:
    for words in (*ZH.values(), *EN.values()):
        assert words == words.strip()
        assert words.isprintable()


def test_every_refusal_code_has_a_text_and_every_text_of_a_code_its_code() -> None:
    assert {key for key in ZH if key.startswith("POS-")} == set(RECOVERIES)


def test_chinese_texts_are_chinese_and_english_ones_are_not() -> None:
    shared = {"sco.language", "key.language"}
    for key in RECOVERIES:
        assert any("一" <= char <= "鿿" for char in ZH[key]), key
    for key, words in EN.items():
        assert key in shared or not any("一" <= char <= "鿿" for char in words), key


# ------------------------------------------------------------------ what the code asks for


def calls() -> Iterator[tuple[str, str, list[ast.expr], set[str]]]:
    """(file:line, function, arguments, keyword names) of every call in the product."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                yield f"{path.relative_to(ROOT)}:{node.lineno}", name, node.args, {k.arg for k in node.keywords if k.arg}


CALLS = list(calls())


def said(functions: set[str], at: int) -> Iterator[tuple[str, str, set[str]]]:
    """(where, key, values) of calls that name a text at a position."""
    for where, name, args, keywords in CALLS:
        if name in functions and len(args) > at and isinstance(args[at], ast.Constant) and isinstance(args[at].value, str):  # type: ignore[attr-defined]
            yield where, args[at].value, keywords  # type: ignore[attr-defined]


def test_every_refusal_in_the_code_brings_the_values_its_text_needs() -> None:
    found = list(said({"refuse", "StoreError", "ConfigError", "BadInput", "LanewiseError"}, 0))
    assert len(found) > 60
    lacking = [(where, key, placeholders(EN[key]) - values) for where, key, values in found if placeholders(EN[key]) - values]
    assert not lacking


def test_a_translated_error_of_the_store_brings_the_values_its_text_needs() -> None:
    for code in TRANSLATED:
        assert placeholders(EN[code]) <= {"path", "detail"}


def test_every_banner_in_the_code_has_a_text_and_its_values() -> None:
    found = [(where, key, values) for where, key, values in said({"say"}, 2) if where.startswith("pos_app/domain")]
    assert len(found) > 15
    lacking = [(where, key) for where, key, values in found if key not in EN or placeholders(EN[key]) - values]
    assert not lacking


def test_every_dialog_in_the_code_has_its_question() -> None:
    kinds = {key for where, key, _ in said({"Dialog"}, 0) if where.startswith("pos_app/domain")}
    assert len(kinds) > 15
    assert {f"dialog.{kind}" for kind in kinds} <= EN.keys()


def test_every_choice_reason_permission_source_and_tender_has_its_name() -> None:
    config = LaneConfig()
    wanted = {f"menu.{name}" for name in MENU} | {f"ways.{name}" for name in WAYS} | {f"visit.{name}" for name in VISIT}
    wanted |= {f"reason.{name}" for name in (*config.cancel_reasons, *config.no_sale_reasons, *config.difference_reasons)}
    wanted |= {f"source.{name}" for name in (shelf.LIST, shelf.PROMO, shelf.MEMBER, shelf.LABEL, shelf.ASKED)}
    wanted |= {f"member.{name}" for name in MEMBER_MENU}
    wanted |= {f"return.by_shares.{why}" for why in (NO_PACKAGE, DIFFERS)}
    wanted |= {f"tender.{CASH}", f"tender.{CARD_TERMINAL}"}
    lent = {
        node.id for _, name, args, _ in CALLS if name == "with_permission" for node in args[1:2] if isinstance(node, ast.Name)
    }
    assert len(lent) >= 5
    wanted |= {f"permission.{getattr(permissions, name)}" for name in lent}
    assert wanted <= EN.keys(), wanted - EN.keys()


# ------------------------------------------------------------------ how it looks


@pytest.mark.parametrize("lang", sorted(LANGUAGES))
def test_a_banner_with_long_values_fits_two_rows_of_80(lang: str) -> None:
    wide = {}
    for key, words in LANGUAGES[lang].items():
        if key.startswith(("banner.", "POS-")):
            args = tuple((name, LONG.get(name, "123,456.78")) for name in placeholders(words))
            wide[key] = cells(text(lang, key, args))
    assert not {key: width for key, width in wide.items() if width > 160}


TYPICAL = {
    "code": "6901234567890", "updated": "09-23 18:42", "name": "可口可乐 330ml", "item": "00777", "weight": "12,345",
    "quantity": "9,999", "promotion": "第二件半价", "cause": "POS-1004",
}  # fmt: skip
AT_THE_BASKET = ("POS-20", "POS-21", "POS-23", "POS-30", "POS-32", "POS-40", "POS-43")


@pytest.mark.parametrize("lang", sorted(LANGUAGES))
def test_what_is_refused_at_the_basket_is_read_to_its_end_with_its_code_on_80_cells(lang: str) -> None:
    wide = {}
    for key, words in LANGUAGES[lang].items():
        if key.removeprefix("sco.").startswith(AT_THE_BASKET):
            args = tuple((name, TYPICAL.get(name, "1,234.50")) for name in placeholders(words))
            wide[key] = cells(f"✗ {text(lang, key, args)}  [{key.removeprefix('sco.')}]")
    assert len(wide) > 40 and not {key: width for key, width in wide.items() if width > 76}


def test_a_text_that_names_a_till_s_key_has_another_for_shoppers_or_is_for_tills_alone() -> None:
    """Self-checkout has no function keys."""
    tills_only = {"banner.held", "banner.exchange", "POS-6003"}
    named = {key for texts in LANGUAGES.values() for key, words in texts.items() if re.search(r"F\d", words)}
    assert {key for key in named if not key.startswith("sco.") and f"sco.{key}" not in EN} == tills_only
    assert not {key for key in named if key.startswith("sco.")}


def test_one_of_a_thing_is_no_plural() -> None:
    count = {n: text("en", "total.lines", (("lines", n), ("items", n))) for n in ("0", "1", "2", "11")}
    assert count == {"0": "0 lines 0 items", "1": "1 line 1 item", "2": "2 lines 2 items", "11": "11 lines 11 items"}
    plural = re.compile(r"\{(?:n|lines|items|units|count|times|days|most)\} [a-z]+s\b")
    assert [key for key, words in EN.items() if plural.search(words)] == []


def test_values_are_data_and_never_a_pattern() -> None:
    for value in ("{name}", "{0.__class__}", "%s", "{", "}", "{{"):
        assert value in text("en", "POS-2102", (("code", value),))


def test_a_missing_value_or_key_is_an_error_that_tests_find() -> None:
    with pytest.raises(KeyError):
        text("en", "POS-2102")
    with pytest.raises(KeyError):
        text("en", "no.such.text")


def test_texts_name_no_test_or_build_path() -> None:
    for words in (*ZH.values(), *EN.values()):
        assert str(Path.home()) not in words
