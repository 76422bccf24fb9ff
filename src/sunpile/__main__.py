"""`python -m sunpile` is `sunpile`."""

from sunpile.wiring.main import main

main()
