"""The fault matrix; scripts/matrix runs this."""

import sys

from vipservice.lab.matrix.command import main

sys.exit(main())
