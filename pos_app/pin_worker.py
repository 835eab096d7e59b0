"""`python -m pos_app.pin_worker`: one PIN check in a process of its own; hash and PIN come in by two lines, exit 0 is yes.

argon2 takes 19 MiB and some libraries for a moment; a screen that runs for weeks need not keep any of it.
"""

import sys

NO = 1


def main() -> int:
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    pin_hash, pin = sys.stdin.read().split("\n")[:2]
    try:
        PasswordHasher().verify(pin_hash, pin)
    except (VerificationError, InvalidHashError):
        return NO
    return 0


if __name__ == "__main__":
    sys.exit(main())
