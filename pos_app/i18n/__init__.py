"""Texts by key, Chinese and English with equal keys. A text says what happened, what is safe, and the key that helps."""

from pos_app.i18n.en import EN
from pos_app.i18n.zh import ZH

LANGUAGES: dict[str, dict[str, str]] = {"zh": ZH, "en": EN}


def text(lang: str, key: str, args: tuple[tuple[str, str], ...] = ()) -> str:
    """The text of a key with its values; a good's name comes in the reader's language where it has one."""
    values = dict(args)
    if lang == "en" and values.get("name_en"):
        values["name"] = values["name_en"]
    return LANGUAGES[lang][key].format_map(values)
