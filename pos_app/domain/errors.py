"""Every refusal and every broken promise, with its stable code.

    LanewiseError                a broken promise: carries a Refusal for people
    ├── StoreError               POS-1xxx  the store cannot be opened, read or written
    ├── ConfigError              POS-5001  the configuration is wrong
    └── BadInput                 POS-5xxx  a file or an argument is wrong

A `Refusal` is a value: something a person asked for that cannot be done now. Its code is also the key of its text in
`pos_app.i18n`; the text says what happened, what is safe and which key helps.
"""

from dataclasses import dataclass

RETRY, ASK_STAFF, CALL_SUPPORT = "retry", "ask_staff", "call_support"

RECOVERIES: dict[str, str] = {
    # the store
    "POS-1001": CALL_SUPPORT,  # file of a newer version
    "POS-1002": CALL_SUPPORT,  # file is not a store, or is damaged
    "POS-1003": CALL_SUPPORT,  # file cannot be written
    "POS-1004": CALL_SUPPORT,  # disk is full
    "POS-1005": RETRY,  # file is busy
    "POS-1006": CALL_SUPPORT,  # SQLite with a known corruption bug
    "POS-1007": CALL_SUPPORT,  # disk error
    "POS-1008": RETRY,  # no such file
    "POS-1009": CALL_SUPPORT,  # lane is already open in another process
    "POS-1010": CALL_SUPPORT,  # something is already there
    "POS-1011": CALL_SUPPORT,  # programming error caught at the lane's edge
    # codes and goods
    "POS-2101": RETRY,  # code not in the catalogue
    "POS-2102": RETRY,  # wrong check digit, not in the catalogue
    "POS-2103": RETRY,  # too long or broken code
    "POS-2104": ASK_STAFF,  # stop-sale
    "POS-2105": RETRY,  # in-store code of an unknown item
    "POS-2106": ASK_STAFF,  # in-store code matches two rows
    "POS-2107": RETRY,  # payment code on the basket screen
    "POS-2108": ASK_STAFF,  # class not sold at this lane
    "POS-2109": RETRY,  # too many scans waiting behind a dialog
    "POS-2110": RETRY,  # quantity out of range
    "POS-2111": RETRY,  # weight out of range
    "POS-2112": RETRY,  # amount out of range
    "POS-2113": RETRY,  # quantity does not fit a weighed good
    "POS-2114": RETRY,  # a scan was cut in the middle
    "POS-2116": RETRY,  # weighed good without a label at self-checkout
    "POS-2115": RETRY,  # scan taken while a code is not expected
    # coupons and limited offers
    "POS-2301": RETRY,  # not a coupon's code
    "POS-2302": ASK_STAFF,  # coupon is not the chain's, or opens nothing today
    "POS-2303": RETRY,  # coupon was used
    "POS-2304": RETRY,  # coupon is past its day
    "POS-2305": ASK_STAFF,  # coupon was made void
    "POS-2306": RETRY,  # coupon lies in another basket
    "POS-2307": RETRY,  # limited offer is used up
    "POS-2308": ASK_STAFF,  # coupon of another store file, which this one cannot prove unused
    "POS-2309": RETRY,  # coupon is another member's
    "POS-2310": RETRY,  # poster: members only, attach one first
    # price packages
    "POS-2201": CALL_SUPPORT,  # package with problems
    "POS-2202": CALL_SUPPORT,  # broken signature or unknown key
    "POS-2203": CALL_SUPPORT,  # package is not signed
    "POS-2204": RETRY,  # package of another shop
    "POS-2205": CALL_SUPPORT,  # version is there already with other content
    "POS-2206": RETRY,  # no such package
    "POS-2207": RETRY,  # key cannot be read
    "POS-2208": RETRY,  # no price change waits for this good
    "POS-2209": RETRY,  # package file cannot be read
    # basket and tender
    "POS-3001": RETRY,  # nothing to do on an empty basket
    "POS-3002": RETRY,  # amount is too small
    "POS-3003": RETRY,  # reference is missing
    "POS-3004": RETRY,  # basket is not empty
    "POS-3005": RETRY,  # nothing held
    "POS-3006": CALL_SUPPORT,  # sale was not saved
    "POS-3007": RETRY,  # amount is implausibly large
    "POS-3008": RETRY,  # nothing to undo
    "POS-3009": RETRY,  # no last sale
    "POS-3010": RETRY,  # held basket is gone
    "POS-3011": RETRY,  # nothing to repeat
    "POS-3012": RETRY,  # one card amount at a time
    # members, coupons and points at a lane
    "POS-3201": RETRY,  # coupon is in the basket already
    "POS-3202": RETRY,  # too many coupons
    "POS-3203": RETRY,  # member and offers stay while a shopper pays
    # returns
    "POS-3301": RETRY,  # no such receipt here
    "POS-3302": RETRY,  # more units than are left to return
    "POS-3303": RETRY,  # nothing chosen
    "POS-3304": RETRY,  # cancelled, or never paid
    "POS-3305": RETRY,  # everything of it was returned
    "POS-3306": RETRY,  # the receipt changed meanwhile, at another lane
    "POS-3307": ASK_STAFF,  # returns without a receipt reached the day's limit
    "POS-3308": RETRY,  # receipt of another store file
    "POS-3309": RETRY,  # number of a return, settled
    "POS-3310": RETRY,  # the till that made it was asked through the hub to hand it over
    "POS-3311": RETRY,  # sale that moved points, stamps, coupons or gifts: its own till takes it back
    "POS-3312": RETRY,  # another till has this receipt in hand
    "POS-3313": RETRY,  # no exchange for a receipt of another till
    # people and shifts
    "POS-4001": RETRY,  # wrong number or PIN
    "POS-4002": ASK_STAFF,  # no permission
    "POS-4003": RETRY,  # no open shift
    "POS-4004": RETRY,  # shift is already open
    "POS-4005": ASK_STAFF,  # held baskets are left at close
    "POS-4006": RETRY,  # a reason is needed
    "POS-4007": CALL_SUPPORT,  # clock stands far before the last event
    "POS-4008": ASK_STAFF,  # too many wrong PINs
    # members and points
    "POS-4301": RETRY,  # no member with this phone or card
    "POS-4302": RETRY,  # not a phone number
    "POS-4303": RETRY,  # fewer points than asked for
    "POS-4304": RETRY,  # phone is a member's already
    "POS-4305": RETRY,  # stamps changed meanwhile
    # files and arguments
    "POS-5001": CALL_SUPPORT,  # configuration
    "POS-5002": RETRY,  # unreadable import file
    "POS-5003": RETRY,  # import file has not the columns
    "POS-5004": CALL_SUPPORT,  # missing extra
    "POS-5005": RETRY,  # argument
    "POS-5006": RETRY,  # package or basket file of `pos price`
    # devices
    "POS-6001": RETRY,  # printer
    "POS-6002": RETRY,  # drawer
    "POS-6003": RETRY,  # report without paper
    # the line to headquarters
    "POS-7001": RETRY,  # not enrolled
    "POS-7002": RETRY,  # HQ does not answer
    "POS-7003": CALL_SUPPORT,  # two machines from one disk image
    "POS-7004": RETRY,  # enrolment code
    "POS-7005": CALL_SUPPORT,  # HQ and shop speak different versions
    "POS-7006": CALL_SUPPORT,  # HQ does not know the device or its key
    "POS-7007": CALL_SUPPORT,  # journal and HQ differ
    "POS-7008": CALL_SUPPORT,  # HQ has another key than at enrolment
    "POS-7009": RETRY,  # another agent runs for this store
    "POS-7010": RETRY,  # HQ refused, for any other reason
    "POS-7011": RETRY,  # no address of HQ
    "POS-7012": RETRY,  # HQ knows an id of this file by a key that is not here
    "POS-7013": CALL_SUPPORT,  # an HQ with another key than a person was told
    # headquarters
    "POS-7101": CALL_SUPPORT,  # database of HQ cannot be used
    "POS-7102": RETRY,  # HQ is there already
    "POS-7103": RETRY,  # no such exception waits
    "POS-7104": CALL_SUPPORT,  # event cannot be taken as it is
    "POS-7105": RETRY,  # no such device
    "POS-7106": RETRY,  # file of rows with problems
    "POS-7107": RETRY,  # hub that HQ does not know
    "POS-7108": RETRY,  # no such claim is held
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was not done: a stable code and the values its text needs."""

    code: str
    args: tuple[tuple[str, str], ...] = ()

    @property
    def recovery(self) -> str:
        return RECOVERIES[self.code]


def refuse(code: str, /, **args: object) -> Refusal:
    """A refusal by its code; unknown codes are a programming error."""
    if code not in RECOVERIES:
        raise KeyError(code)
    return Refusal(code, tuple(sorted((key, str(value)) for key, value in args.items())))


class LanewiseError(Exception):
    """A broken promise, with the refusal that people read."""

    def __init__(self, code: str, /, **args: object) -> None:
        self.refusal = refuse(code, **args)
        super().__init__(f"{code} {args}" if args else code)


class StoreError(LanewiseError):
    """The store cannot be opened, read or written; what was committed before stays."""


class ConfigError(LanewiseError):
    """The configuration file is wrong; nothing was started."""


class BadInput(LanewiseError):
    """A file or argument is wrong; nothing was changed."""
