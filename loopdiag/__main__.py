"""`python -m loopdiag`."""

import sys

from loopdiag.cli.main import main

sys.exit(main())
