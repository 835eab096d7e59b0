"""The published schema: current, true to the reader, and the documentation's example fits it."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pos_app.domain.pricing.mechanics import MECHANICS
from pos_app.domain.pricing.model import Package
from pos_app.domain.pricing.package_form import read_package
from scripts.package_schema import TARGET, schema_text
from tests.domain.pricing.test_package_form import WRONG_DOCUMENTS, WRONG_PROMOTIONS, document, valid_documents
from tests.shop_kit import ROOT

SCHEMA = json.loads(schema_text())
VALIDATOR = Draft202012Validator(SCHEMA)
# What a schema cannot say: calendars, order, names that come twice, rewards across promotions, invisible characters.
BEYOND = frozenset({
    "all_free", "ends_before", "not_ascending", "duplicate", "cycle", "no_such_coupon", "not_a_coupon", "text", "date",
    "moment", "not_json", "duplicate_key", "too_large",
})  # fmt: skip


def test_the_published_file_is_current_and_a_schema():
    assert TARGET.read_text(encoding="utf-8") == schema_text(), "run: python -m scripts.package_schema"
    Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_accepts_what_the_reader_reads():
    for drawn in valid_documents(60, seed=2):
        assert [error.message for error in VALIDATOR.iter_errors(drawn)] == []


WRONG = [(document(wrong), reason) for wrong, _, reason in WRONG_PROMOTIONS] + [
    (wrong, reason) for wrong, _, reason in WRONG_DOCUMENTS
]


@pytest.mark.parametrize(("wrong", "reason"), WRONG)
def test_the_schema_refuses_what_the_reader_refuses(wrong: Any, reason: str):
    assert reason in BEYOND or not VALIDATOR.is_valid(wrong)


def test_the_demo_package_is_read_and_fits_the_schema_and_uses_every_mechanic():
    demo = json.loads((ROOT / "pos_app" / "demo" / "package.json").read_text(encoding="utf-8"))
    assert [error.message for error in VALIDATOR.iter_errors(demo)] == []
    package = read_package(demo)
    assert isinstance(package, Package)
    assert {promotion["mechanic"] for promotion in demo["promotions"]} == set(MECHANICS)


def test_the_example_of_the_documentation_is_a_package():
    words = (ROOT / "docs" / "package.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", words, re.DOTALL)
    package = read_package(example.encode())
    assert isinstance(package, Package) and len(package.promotions) == 4
    assert VALIDATOR.is_valid(json.loads(example))
