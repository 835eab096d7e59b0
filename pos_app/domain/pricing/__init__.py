"""What a basket costs, and why: the only place where money is computed."""

from pos_app.domain.pricing.engine import Package, Priced, PricedLine, TaxShare, price

__all__ = ["Package", "Priced", "PricedLine", "TaxShare", "price"]
