"""A self-hosted scheduler for social-media posts."""

__version__ = "0.1.0"
