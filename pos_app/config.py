"""One TOML file; every default is visible here, an unknown key is an error."""

import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pos_app.domain.errors import ConfigError

SYSTEM_FILE = Path("/etc/lanewise/pos.toml")


@dataclass(frozen=True, slots=True)
class Config:
    """What an engineer of the chain may set."""

    store: str = "S001"
    lane: str = "01"
    self_checkout_lane: str = "S1"
    store_file: str = "shop.sqlite"
    lang: str = "zh"
    theme: str = "pos-dark"
    keys: str = "chinese-till"
    key_map: dict[str, dict[str, str]] = field(default_factory=dict)
    utc_offset_min: int = 480
    cutoff_hour: int = 4
    cash_step_fen: int = 10
    paper_folder: str = "paper"
    paper_width: int = 42
    package_keys: str = ""
    bag_skus: tuple[str, ...] = ()
    hq_url: str = ""
    hub_url: str = ""
    mirror_folder: str = ""
    idle_warn_ms: int = 60_000
    idle_hold_ms: int = 120_000


CHOICES = {"lang": ("zh", "en"), "theme": ("pos-dark", "pos-light", "pos-mono"), "keys": ("chinese-till", "core-style")}


def find(argument: str | None) -> Path | None:
    """The file to read: --config, $LANEWISE_CONFIG, /etc/lanewise/pos.toml, the user's configuration folder."""
    named = argument or os.environ.get("LANEWISE_CONFIG")
    if named:
        return Path(named)
    home = Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config")) / "lanewise" / "pos.toml"
    return next((path for path in (SYSTEM_FILE, home) if path.exists()), None)


def load(argument: str | None = None) -> Config:
    """The configuration. Raises ConfigError POS-5001 with the key that is wrong."""
    path = find(argument)
    if path is None:
        return Config()
    import tomllib  # most lanes of a demo or a test have no file to read

    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError("POS-5001", detail=f"{path}: {error}") from error
    return _config(data, path)


def _config(data: dict[str, Any], path: Path) -> Config:
    known = {item.name: type(getattr(Config(), item.name)) for item in fields(Config)}
    for key, value in data.items():
        if key not in known:
            raise ConfigError("POS-5001", detail=f"{path}: {key}?")
        wanted = list if known[key] is tuple else known[key]
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise ConfigError("POS-5001", detail=f"{path}: {key} = {value!r}")
        if key in CHOICES and value not in CHOICES[key]:
            raise ConfigError("POS-5001", detail=f"{path}: {key} = {value!r} ({', '.join(CHOICES[key])})")
    return Config(**{key: tuple(value) if isinstance(value, list) else value for key, value in data.items()})
