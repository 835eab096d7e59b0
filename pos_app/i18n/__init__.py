"""Texts by key, Chinese and English with equal keys. A text says what happened, what is safe, and the key that helps."""

from pos_app.i18n.en import EN
from pos_app.i18n.zh import ZH

LANGUAGES: dict[str, dict[str, str]] = {"zh": ZH, "en": EN}


class _Value(str):
    """A value of a text. `{n:line|lines}` counts: "1 line", "2 lines"."""

    def __format__(self, form: str) -> str:
        one, is_count, many = form.partition("|")
        return f"{self} {one if self == '1' else many}" if is_count else super().__format__(form)


def text(lang: str, key: str, args: tuple[tuple[str, str], ...] = ()) -> str:
    """The text of a key with its values; a good's name comes in the reader's language where it has one."""
    values = {name: _Value(value) for name, value in args}
    if lang == "en" and values.get("name_en"):
        values["name"] = values["name_en"]
    return LANGUAGES[lang][key].format_map(values)
