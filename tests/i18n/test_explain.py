"""Every entry of a trace has a sentence in both languages, with its numbers."""

import re
from pathlib import Path

import pytest

from pos_app.domain.pricing import model
from pos_app.domain.pricing.mechanics.nth_unit_percent_off import NthUnitPercentOff
from pos_app.domain.pricing.mechanics.punch_card import PunchCard
from pos_app.domain.pricing.mechanics.spend_save_tiers import SpendSaveTiers, SpendTier
from pos_app.domain.pricing.model import EVENT, GIFT, POINTS, SETS, SPEND, Applied, Hint, Package, Promotion, Refused, Use
from pos_app.i18n import LANGUAGES
from pos_app.i18n.explain import explain

TIERS = SpendSaveTiers((SpendTier(10_000, 2_000), SpendTier(20_000, 5_000)))
PACKAGE = Package(
    promotions=(
        Promotion("half", "第二件半价", NthUnitPercentOff(2, 50), name_en="Second half"),
        Promotion("mj", "满200减50", TIERS, name_en="Spend 200 save 50"),
        Promotion("card", "咖啡卡", PunchCard(5, "half")),
    )
)
ENTRIES = {
    Applied(SETS, "half", 500, 2000, times=2, uses=(Use(1, 2, 1000, 1),)): (
        "4 units at 40.00, 5.00 off",
        "4件原价 40.00,省 5.00",
    ),
    Applied(SPEND, "half", 2000, 12000, tier=1): ("on 120.00, 20.00 off", "按 120.00 计,省 20.00"),
    Applied(POINTS, "half", 1000, 12000, times=2): ("2 times, 10.00 off", "2次,省 10.00"),
    Applied(GIFT, "half", 0, times=2, value="CUP"): ("gift CUP x2", "赠 CUP x2"),
    Refused("half", SETS, "units", "2", "1"): ("needs 2 units, has 1", "需 2 件,现有 1 件"),
    Refused("half", SPEND, "spend", "10000", "9900"): ("from 100.00, this is 99.00", "需满 100.00,现为 99.00"),
    Refused("half", SETS, "not_yet", "1790000000000", "0"): ("begins 2026-09-21 22:13", "2026-09-21 22:13 开始"),
    Refused("half", SPEND, "stacking", "", "half"): ("not together with: Second half", "不与“第二件半价”同享"),
    Hint("half", need_units=1, sku="A", pay_fen=500, extra_saving_fen=500): ("pay 5.00 more, save 5.00", "多付 5.00,多省 5.00"),
    Hint("half", need_fen=100, pay_fen=-1900, extra_saving_fen=2000): ("1.00 more, pay 19.00 less", "再加 1.00,反而少付 19.00"),
    Hint("half", pay_fen=300, loses="CUP"): ("3.00 cheaper as it is, but without the gift CUP", "现价少付 3.00,但没有赠品 CUP"),
    Hint("half", need_fen=400, pay_fen=400): ("4.00 more", "再加 4.00 即可"),
}


@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_a_sentence_holds_the_name_and_the_numbers_of_its_entry(entry: Applied | Refused | Hint):
    en, zh = (explain(lang, entry, PACKAGE) for lang in ("en", "zh"))
    assert en.startswith("Second half: ") and ENTRIES[entry][0] in en
    assert zh.startswith("第二件半价") and ENTRIES[entry][1] in zh


def test_every_reason_of_the_vocabulary_has_a_text_in_both_languages():
    words = re.search(r"Reasons: (.*?)\.\n", Refused.__doc__ or "", re.S)
    assert words is not None
    reasons = {word.strip().split(" ")[0] for word in re.sub(r"\([^)]*\)", "", words[1]).split(",")}
    for texts in LANGUAGES.values():
        assert {key.removeprefix("refused.") for key in texts if key.startswith("refused.")} == reasons


def test_every_reason_that_pricing_gives_is_in_the_vocabulary():
    source = "".join(path.read_text(encoding="utf-8") for path in Path(model.__file__).parent.glob("*.py"))
    given = set(re.findall(r'Refused\([^()]*?, [A-Z_a-z.]+, "(\w+)"', source)) | set(re.findall(r'return "(\w+)", ', source))
    assert given and all(f"refused.{reason}" in LANGUAGES["zh"] for reason in given)


WHOLE = {
    ("zh", Applied(SPEND, "mj", 5_000, 23_000, tier=2)): "满200减50:230.00 ≥ 200.00,省 50.00",
    ("en", Applied(SPEND, "mj", 5_000, 23_000, tier=2)): "Spend 200 save 50: 230.00 reached 200.00, 50.00 off",
    ("zh", Applied(EVENT, "card", 0, times=3, value="card")): "咖啡卡:集 3 章",
    ("zh", Refused("half", SETS, "weekday", "1, 3", "2")): "第二件半价: 仅周 一, 三,今天周 二",
    ("en", Refused("half", SETS, "weekday", "1, 3", "2")): "Second half: weekdays: Mon, Wed only; today is Tue",
    ("zh", Hint("half", need_units=1, sku="A", extra_saving_fen=500)): "第二件半价:再加 1件 蛋糕 不多付,多省 5.00",
    ("en", Hint("half", need_units=1, sku="A", extra_saving_fen=500)): "Second half: 1 of 蛋糕 more is free, save 5.00 more",
}


@pytest.mark.parametrize("case", WHOLE, ids=str)
def test_thresholds_weekdays_stamps_and_goods_are_called_by_their_names(case: tuple[str, Applied | Refused | Hint]):
    assert explain(case[0], case[1], PACKAGE, {"A": "蛋糕"}) == WHOLE[case]


def test_a_promotion_that_the_package_does_not_know_is_called_by_its_id():
    assert explain("zh", Refused("gone", SETS, "goods"), Package()).startswith("gone: ")
