"""`python -m conductor_git`."""

import sys

from conductor_git.cli import main

sys.exit(main())
