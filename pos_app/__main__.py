"""`python -m pos_app` is `pos`."""

import sys

from pos_app.cli import main

sys.exit(main())
