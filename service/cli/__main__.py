"""`python -m service.cli` is `daypass`."""

from service.cli.main import main

main()
