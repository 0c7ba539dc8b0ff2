"""`python -m longhand` is the `longhand` command."""

from longhand.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
