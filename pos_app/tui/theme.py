"""Three themes of our own: every text at least 4.5:1 on its ground, banners at least 7:1 (tested). Colour never speaks alone."""

from functools import cache

# role -> (foreground, background, bold)
Roles = dict[str, tuple[str, str, bool]]

_DARK_GROUND, _LIGHT_GROUND = "#101418", "#f7f7f2"
THEMES: dict[str, Roles] = {
    "pos-dark": {
        "text": ("#e6e9ec", _DARK_GROUND, False),
        "dim": ("#9aa7b2", _DARK_GROUND, False),
        "frame": ("#8492a0", _DARK_GROUND, False),
        "head": ("#9fd0ff", _DARK_GROUND, True),
        "strong": ("#ffffff", _DARK_GROUND, True),
        "total": ("#ffe08a", _DARK_GROUND, True),
        "saving": ("#8be08b", _DARK_GROUND, False),
        "cursor": ("#ffffff", "#1f4f7a", True),
        "key": ("#ffe08a", _DARK_GROUND, True),
        "button": ("#101418", "#9fd0ff", True),
        "ok": ("#ffffff", "#0b5a2b", True),
        "info": ("#ffffff", "#23476b", True),
        "warn": ("#101418", "#ffd35c", True),
        "error": ("#ffffff", "#8c1d18", True),
    },
    "pos-light": {
        "text": ("#1a1d20", _LIGHT_GROUND, False),
        "dim": ("#56606a", _LIGHT_GROUND, False),
        "frame": ("#5c6670", _LIGHT_GROUND, False),
        "head": ("#0b4a82", _LIGHT_GROUND, True),
        "strong": ("#000000", _LIGHT_GROUND, True),
        "total": ("#7a2e00", _LIGHT_GROUND, True),
        "saving": ("#0b5a2b", _LIGHT_GROUND, False),
        "cursor": ("#000000", "#bfdcf5", True),
        "key": ("#0b4a82", _LIGHT_GROUND, True),
        "button": ("#ffffff", "#0b4a82", True),
        "ok": ("#ffffff", "#0b5a2b", True),
        "info": ("#ffffff", "#23476b", True),
        "warn": ("#101418", "#ffd35c", True),
        "error": ("#ffffff", "#8c1d18", True),
    },
    "pos-mono": {
        "text": ("#ffffff", "#000000", False),
        "dim": ("#c8c8c8", "#000000", False),
        "frame": ("#c8c8c8", "#000000", False),
        "head": ("#ffffff", "#000000", True),
        "strong": ("#ffffff", "#000000", True),
        "total": ("#ffffff", "#000000", True),
        "saving": ("#ffffff", "#000000", False),
        "cursor": ("#000000", "#ffffff", True),
        "key": ("#ffffff", "#000000", True),
        "button": ("#000000", "#ffffff", True),
        "ok": ("#000000", "#ffffff", True),
        "info": ("#000000", "#ffffff", True),
        "warn": ("#000000", "#ffffff", True),
        "error": ("#000000", "#ffffff", True),
    },
}
NAMES = tuple(THEMES)


@cache
def styles(theme: str) -> dict[str, object]:
    """Role -> rich Style."""
    from rich.style import Style

    return {role: Style(color=front, bgcolor=back, bold=bold) for role, (front, back, bold) in THEMES[theme].items()}


def contrast(front: str, back: str) -> float:
    """WCAG 2 contrast ratio of two `#rrggbb` colours, 1 to 21."""
    light, dark = sorted((_luminance(front), _luminance(back)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
