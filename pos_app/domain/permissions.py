"""Who may do what. A lane asks `may(role, action)`; what a role lacks, an approver with the role's PIN can lend."""

CASHIER, SUPERVISOR, MANAGER = "cashier", "supervisor", "manager"
ROLES = (CASHIER, SUPERVISOR, MANAGER)

(
    VOID_LINE,
    CANCEL_SALE,
    NO_SALE,
    OPEN_SHIFT,
    CLOSE_SHIFT,
    X_REPORT,
    SELF_CHECKOUT_VISIT,
    ACCEPT_DIFFERENCE,
    ACCEPT_CLOCK,
    RETURN_GOODS,
    NO_RECEIPT_RETURN,
    VOID_SALE,
) = (
    "void_line",
    "cancel_sale",
    "no_sale",
    "open_shift",
    "close_shift",
    "x_report",
    "self_checkout_visit",
    "accept_difference",
    "accept_clock",
    "return_goods",
    "no_receipt_return",
    "void_sale",
)
_CASHIER = frozenset({VOID_LINE, OPEN_SHIFT, CLOSE_SHIFT, X_REPORT, SELF_CHECKOUT_VISIT})
_SUPERVISOR = _CASHIER | {CANCEL_SALE, NO_SALE, ACCEPT_DIFFERENCE, ACCEPT_CLOCK, RETURN_GOODS, NO_RECEIPT_RETURN, VOID_SALE}
PERMISSIONS: dict[str, frozenset[str]] = {CASHIER: _CASHIER, SUPERVISOR: _SUPERVISOR, MANAGER: _SUPERVISOR}


def may(role: str, action: str) -> bool:
    """Whether a role has a permission; an unknown role has none."""
    return action in PERMISSIONS.get(role, frozenset())
