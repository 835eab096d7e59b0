"""Colours that can be read, keys that do not collide, help that tells what is."""

import pytest

from pos_app.domain.errors import ConfigError
from pos_app.i18n import LANGUAGES
from pos_app.tui.keys import ACTIONS, PRESETS, action_for, key_map
from pos_app.tui.theme import THEMES, contrast

BANNERS = ("ok", "info", "warn", "error")


@pytest.mark.parametrize("name", THEMES)
def test_every_text_has_4_5_to_1_and_every_banner_7_to_1(name: str):
    for role, (front, back, _) in THEMES[name].items():
        assert contrast(front, back) >= (7.0 if role in BANNERS else 4.5), role


def test_the_contrast_formula_gives_the_known_extremes():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#777777") == pytest.approx(1)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_action_of_the_key_table_has_a_text(lang: str):
    missing = {action for action in ACTIONS if f"key.{action}" not in LANGUAGES[lang]}
    assert not missing


@pytest.mark.parametrize("preset", PRESETS)
def test_digits_and_letters_of_codes_are_never_action_keys_on_the_basket_screen(preset: str):
    taken = {key for key in PRESETS[preset]["selling"] if len(key) == 1 and key.isalnum()}
    assert not taken


def test_a_key_can_be_mapped_anew_and_nonsense_is_refused():
    table = key_map("chinese-till", {"selling": {"f7": "pay"}})
    assert action_for(table, "selling", "f7") == "pay"
    with pytest.raises(ConfigError):
        key_map("chinese-till", {"selling": {"f7": "fly"}})
