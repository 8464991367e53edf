"""`python -m conductor_git.doors`."""

import sys

from conductor_git.doors import main

sys.exit(main())
