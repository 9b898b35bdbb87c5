"""`python -m symderiv` is the `symderiv` command."""

from .cli.main import main

if __name__ == "__main__":
    main()
