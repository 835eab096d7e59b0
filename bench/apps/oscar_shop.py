"""django-oscar on SQLite in memory: a line of JSON in, a line of JSON out. Runs in an environment of its own.

`{"prices": {sku: fen}, "offers": [...]}` makes the shop anew; `{"lines": [[sku, quantity], ...]}` prices one basket and says
how long `Applicator.apply` took on it, once its lines are loaded: what oscar does for every page that shows a basket.
"""

import json
import sys
import time
from decimal import Decimal

import django
from django.conf import settings

APPS = (
    "oscar.apps.analytics.apps.AnalyticsConfig", "oscar.apps.checkout.apps.CheckoutConfig",
    "oscar.apps.address.apps.AddressConfig", "oscar.apps.shipping.apps.ShippingConfig",
    "oscar.apps.catalogue.apps.CatalogueConfig", "oscar.apps.catalogue.reviews.apps.CatalogueReviewsConfig",
    "oscar.apps.communication.apps.CommunicationConfig", "oscar.apps.partner.apps.PartnerConfig",
    "oscar.apps.basket.apps.BasketConfig", "oscar.apps.payment.apps.PaymentConfig", "oscar.apps.offer.apps.OfferConfig",
    "oscar.apps.order.apps.OrderConfig", "oscar.apps.customer.apps.CustomerConfig", "oscar.apps.search.apps.SearchConfig",
    "oscar.apps.voucher.apps.VoucherConfig", "oscar.apps.wishlists.apps.WishlistsConfig", "treebeard", "haystack",
    "django_tables2", "widget_tweaks",
)  # fmt: skip


def configure() -> None:
    """The least that oscar's price calculation needs; tables are made without its migrations."""
    from oscar import defaults

    named = {name: getattr(defaults, name) for name in dir(defaults) if name.isupper()}
    apps = ["auth", "contenttypes", "sessions", "sites", "messages", "flatpages"]
    settings.configure(
        **named,
        INSTALLED_APPS=[*(f"django.contrib.{name}" for name in apps), *APPS],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        HAYSTACK_CONNECTIONS={"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}},
        MIGRATION_MODULES=NoMigrations(),
        SECRET_KEY="bench",
        SITE_ID=1,
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    )
    django.setup()


class NoMigrations(dict):
    """Says of every app that it has none."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> None:
        return None


def make_shop(prices: dict[str, int], offers: list[dict]) -> None:
    from django.core.management import call_command
    from oscar.core.loading import get_model

    call_command("flush", interactive=False, verbosity=0)
    kind = get_model("catalogue", "ProductClass").objects.create(name="goods", track_stock=False, requires_shipping=False)
    partner = get_model("partner", "Partner").objects.create(name="shop")
    for sku, fen in prices.items():
        product = get_model("catalogue", "Product").objects.create(upc=sku, title=sku, slug=sku, product_class=kind)
        product.stockrecords.create(partner=partner, partner_sku=sku, price=yuan(fen))
    products = {product.upc: product for product in get_model("catalogue", "Product").objects.all()}
    for number, offer in enumerate(offers):
        make_offer(offer, [products[sku] for sku in offer["skus"]], len(offers) - number)


def make_offer(offer: dict, products: list, priority: int) -> None:
    from oscar.core.loading import get_model

    goods = get_model("offer", "Range").objects.create(name=offer["id"], slug=offer["id"])
    through = get_model("offer", "RangeProduct")
    through.objects.bulk_create(through(range=goods, product=product, display_order=n) for n, product in enumerate(products))
    condition, benefit = terms(offer)
    get_model("offer", "ConditionalOffer").objects.create(
        name=offer["id"],
        slug=offer["id"],
        condition=get_model("offer", "Condition").objects.create(range=goods, **condition),
        benefit=get_model("offer", "Benefit").objects.create(range=goods, **benefit),
        priority=priority,
        exclusive=offer["kind"] != "spend",
    )


def terms(offer: dict) -> tuple[dict, dict]:
    """Condition and benefit, as near as oscar comes to the offer."""
    count = {"type": "Count", "value": offer["units"]}
    match offer["kind"]:
        case "nth_unit":
            return count, {"type": "Percentage", "value": offer["percent"], "max_affected_items": 1}
        case "cheapest_free":
            return count, {"type": "Multibuy"}
        case "fixed_price":
            return count, {"type": "Fixed price", "value": yuan(offer["price_fen"])}
        case "percent":
            return count, {"type": "Percentage", "value": offer["percent"]}
        case _:
            return {"type": "Value", "value": yuan(offer["spend_fen"])}, {"type": "Absolute", "value": yuan(offer["save_fen"])}


def yuan(fen: int) -> Decimal:
    return Decimal(fen) / 100


def priced(lines: list[tuple[str, int]]) -> dict:
    """A new basket with its lines loaded, then the offers; CPU of this process."""
    from oscar.core.loading import get_class, get_model

    basket = get_model("basket", "Basket").objects.create()
    basket.strategy = get_class("partner.strategy", "Selector")().strategy()
    products = {
        product.upc: product for product in get_model("catalogue", "Product").objects.filter(upc__in=[s for s, _ in lines])
    }
    for sku, quantity in lines:
        basket.add_product(products[sku], quantity)
    basket.reset_offer_applications()
    for line in basket.all_lines():
        line.purchase_info, line.product  # noqa: B018 - loaded before the clock starts
    start_ns = time.process_time_ns()
    get_class("offer.applicator", "Applicator")().apply(basket)
    total = basket.total_incl_tax
    spent_ms = (time.process_time_ns() - start_ns) / 1e6
    applied = len(basket.applied_offers())
    basket.delete()
    return {"ms": spent_ms, "total_fen": round(total * 100), "applied": applied}


def main() -> None:
    configure()
    from django.core.management import call_command

    call_command("migrate", run_syncdb=True, verbosity=0)
    print(json.dumps({"oscar": __import__("oscar").get_version(), "django": django.get_version()}), flush=True)
    for text in sys.stdin:
        asked = json.loads(text)
        answer = priced(asked["lines"]) if "lines" in asked else make_shop(**asked)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
