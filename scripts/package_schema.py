"""Write docs/package.schema.json anew, from the specification that reads package files."""

import json
from pathlib import Path

from pos_app.domain.pricing.package_schema import package_schema

TARGET = Path(__file__).resolve().parent.parent / "docs" / "package.schema.json"


def schema_text() -> str:
    return json.dumps(package_schema(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(schema_text(), encoding="utf-8")
