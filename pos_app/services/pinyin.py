"""Pinyin initials of names, so that clerks find 可口可乐 by KKKL. Made at import only: the lane never loads pypinyin."""

import unicodedata

from pos_app.domain.errors import BadInput


def initials(name: str) -> str:
    """`initials("可口可乐600ml") == "KKKL600ML"`; nothing for a name without Chinese characters, whose words are indexed.

    Raises BadInput POS-5004 where pypinyin is not installed.
    """
    text = unicodedata.normalize("NFKC", name)
    if not any("\u3400" <= letter <= "\u9fff" for letter in text):
        return ""
    try:
        from pypinyin import Style, lazy_pinyin
    except ImportError as error:
        raise BadInput("POS-5004", extra="import", package="pypinyin") from error
    syllables = "".join(lazy_pinyin(text, style=Style.FIRST_LETTER))
    return "".join(letter for letter in syllables if letter.isascii() and letter.isalnum()).upper()
