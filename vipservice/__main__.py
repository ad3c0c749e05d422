"""`python -m vipservice`."""

import sys

from vipservice.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
