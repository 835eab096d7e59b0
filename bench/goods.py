"""Goods for a big catalogue: real names where the data is at hand, Chinese names put together anew for the rest.

Half of the goods have Chinese names, which are the hardest to search: each is the beginning of one real name and the end of
another (without the data: of made-up ones), with pinyin initials as the import makes them. The other half are real names of
the three product lists (without the data: made-up Latin ones). Every good has one real or made-up code; further codes make
up the number that is asked for. The same seed gives the same goods.
"""

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from pos_app.domain.codes import check_digit
from pos_app.services.pinyin import initials

DATA = Path(os.environ.get("LANEWISE_DATA", Path(__file__).resolve().parent.parent.parent / "shared" / "data"))
# What names are made up of where the data is not at hand.
PIECES = {
    "brand": "晨溪 云岭 康乐 金禾 海之味 老街坊 青禾 百川 星月 福满堂 山里红 三只鹿 美佳 绿源 好邻居 江南 北国 大唐 小熊 早春",
    "kind": "纯牛奶 酸奶 矿泉水 红茶 绿茶 方便面 薯片 饼干 火腿肠 酱油 食醋 洗衣液 抽纸 牙膏 洗发水 啤酒 白酒 大米 面粉",
    "taste": "原味 香辣 麻辣 番茄 海苔 草莓 蓝莓 柠檬 薄荷 无糖 低脂 经典 家庭装 礼盒装 儿童",
    "size": "70g 100g 250ml 330ml 500ml 550ml 1L 1.5L 2kg 5kg 12包 24罐 3包 6瓶",
    "syllable": "ba co di fe ga ho ji ka lo mi na po ra su te va xo ze bri cla dru fro gri",
}
Named = tuple[str, str]  # (code, name); the code may be empty


def rows(items: int, codes: int, seed: int = 7) -> Iterator[dict[str, Any]]:
    """`items` goods as `catalogue.put_items` takes them, with `codes` different codes in all."""
    random = Random(seed)
    taken: set[str] = set()
    extra = codes - items
    for n, (code, name) in enumerate(names(items, random)):
        own = [code if code and code not in taken else new_code(random, taken)]
        taken.add(own[0])
        own += [new_code(random, taken) for _ in range((n + 1) * extra // items - n * extra // items)]
        yield row(f"B{n:06d}", own, name, 100 + random.randrange(20_000))


def row(sku: str, codes: list[str], name: str, price_fen: int) -> dict[str, Any]:
    return {
        "sku": sku, "codes": codes, "name": name, "name_en": "", "pinyin": initials(name), "unit": "", "category": "bench",
        "price_fen": price_fen, "member_price_fen": None, "promo_price_fen": None, "cost_fen": None, "tax_code": "S13",
        "restricted": "", "weighed": 0, "ask_price": 0, "earns_points": 1, "discount_allowed": 1,
        "price_override_allowed": 1, "stop_sale": 0,
    }  # fmt: skip


def new_code(random: Random, taken: set[str]) -> str:
    """A 13-digit code with a right check digit that no other good has."""
    while True:
        body = f"69{random.randrange(10**10):010d}"
        code = body + str(check_digit(body))
        if code not in taken:
            taken.add(code)
            return code


def names(items: int, random: Random) -> list[Named]:
    """Half real (all Chinese ones first), half Chinese put together; shuffled."""
    chinese = [*chinese_names()] or [("", made_up_chinese(random)) for _ in range(2_000)]
    others = other_names()
    random.shuffle(others)
    real = [*chinese, *others][: items // 2]
    real += [("", made_up_latin(random)) for _ in range(items // 2 - len(real))]
    pieces = [name for _, name in chinese]
    found = [*real, *(("", crossed(random, pieces)) for _ in range(items - len(real)))]
    random.shuffle(found)
    return found


def crossed(random: Random, pieces: list[str]) -> str:
    """The first half of one name and the second half of another."""
    head, tail = random.choice(pieces), random.choice(pieces)
    return (head[: (len(head) + 1) // 2] + tail[len(tail) // 2 :]).strip() or head


def made_up_chinese(random: Random) -> str:
    return "".join(piece(random, what) for what in ("brand", "taste", "kind", "size"))


def made_up_latin(random: Random) -> str:
    words = ["".join(piece(random, "syllable") for _ in range(random.randint(2, 4))) for _ in range(random.randint(2, 5))]
    return " ".join([*words, piece(random, "size")]).capitalize()


def piece(random: Random, what: str) -> str:
    return random.choice(PIECES[what].split())


def chinese_names() -> Iterator[Named]:
    """The two supermarkets' goods."""
    for file, name in (("goods_supermarket_a.csv", "name"), ("goods_supermarket_b.csv", "name_clean")):
        path = DATA / "products-cn" / file
        if path.exists():
            with path.open(encoding="utf-8-sig", newline="") as stream:
                yield from ((line["code"], line[name].strip()) for line in csv.DictReader(stream) if line[name].strip())


def other_names() -> list[Named]:
    """Names in Russian and in Latin letters."""
    return [*parquet_names("products-uhtt"), *parquet_names("products-off")]


def parquet_names(folder: str) -> Iterator[Named]:
    path = DATA / folder / "products.parquet"
    if path.exists():
        from pyarrow import parquet

        for batch in parquet.ParquetFile(path).iter_batches(columns=["barcode", "name"]):
            yield from ((line["barcode"], line["name"].strip()) for line in batch.to_pylist() if line["name"].strip())
