"""`python -m social_scheduler` is the command line."""

from social_scheduler.cli import main

if __name__ == "__main__":
    main()
