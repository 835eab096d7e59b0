"""The one table of keys: preset -> context -> key -> action. Every entry can be re-mapped in the configuration.

Contexts: `selling`, `payment`, `sco` (self-checkout), `dialog`, and `any`, which holds in all of them.
"""

from collections.abc import Mapping

from pos_app.domain.errors import ConfigError

KeyMap = dict[str, dict[str, str]]

ANY = {
    "escape": "back", "backspace": "backspace", "up": "up", "down": "down", "pageup": "page_up", "pagedown": "page_down",
    "ctrl+e": "language", "ctrl+y": "theme", "ctrl+l": "lock", "ctrl+t": "switch", "ctrl+q": "quit",
}  # fmt: skip
CHINESE_TILL: KeyMap = {
    "any": ANY,
    "selling": {
        "f1": "help", "f2": "find", "f3": "member", "f4": "hold", "f5": "repeat", "f6": "price_check", "f9": "pay",
        "f7": "return", "f10": "shift", "f8": "offers", "?": "why", "ctrl+b": "member", "ctrl+o": "offers",
        "-": "void", "delete": "void", "*": "multiply", "ctrl+z": "undo", "ctrl+delete": "cancel_sale", "ctrl+x": "cancel_sale",
        "ctrl+k": "return", "ctrl+u": "void_sale",
        "ctrl+n": "no_sale", "ctrl+p": "reprint", "ctrl+r": "repeat",
    },
    "payment": {
        "f1": "help", "f9": "pay", "f11": "card", "c": "card", "-": "void", "delete": "void",
        "f4": "note_1", "f5": "note_2", "f6": "note_3", "f7": "note_4",
        "f3": "member", "f8": "offers", "?": "why", "m": "member", "p": "offers",
    },
    "sco": {
        "f1": "help", "space": "pay", "h": "call_staff", "l": "language", "+": "big_text", "b": "bags", "ctrl+s": "visit",
        "m": "member", "c": "offers", "?": "why", "w": "why",
        "backspace": "undo", "delete": "undo",
    },
    "dialog": {"enter": "enter", "tab": "down", "shift+tab": "up"},
}  # fmt: skip
# For hands that know CORE-POS lanes: Clear, Total and Void sit together on the right of the keyboard.
CORE_STYLE: KeyMap = {
    "any": ANY,
    "selling": CHINESE_TILL["selling"] | {
        "end": "pay", "home": "find", "insert": "repeat", "f12": "pay", "f3": "price_check", "f7": "hold", "f8": "cancel_sale",
    },
    "payment": CHINESE_TILL["payment"] | {"end": "pay", "f12": "pay", "home": "card"},
    "sco": CHINESE_TILL["sco"],
    "dialog": CHINESE_TILL["dialog"],
}  # fmt: skip
PRESETS = {"chinese-till": CHINESE_TILL, "core-style": CORE_STYLE}
ACTIONS = frozenset(action for preset in PRESETS.values() for table in preset.values() for action in table.values())


def key_map(preset: str, changes: Mapping[str, Mapping[str, str]]) -> KeyMap:
    """A preset with the configuration's changes. Raises ConfigError POS-5001 for an unknown context or action."""
    table = {context: dict(keys) for context, keys in PRESETS[preset].items()}
    for context, keys in changes.items():
        for key, action in keys.items():
            if context not in table or action not in ACTIONS:
                raise ConfigError("POS-5001", detail=f"key_map.{context}.{key} = {action!r}")
            table[context][key] = action
    return table


def action_for(table: KeyMap, context: str, key: str) -> str:
    """The action of a key in a context, or an empty text."""
    return table[context].get(key) or table["any"].get(key, "")


def key_for(table: KeyMap, context: str, action: str) -> str:
    """The first key of an action, as people call it: `F9`, `Ctrl+Z`, `Space`."""
    for keys in (table[context], table["any"]):
        for key, found in keys.items():
            if found == action:
                return key_label(key)
    return ""


def key_label(key: str) -> str:
    """A key as people call it."""
    return {"escape": "Esc", "backspace": "Bksp", "delete": "Del", "pageup": "PgUp", "pagedown": "PgDn"}.get(key, key.title())
