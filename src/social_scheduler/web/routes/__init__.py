"""The desk's addresses: each function reads a form, calls one service, and presents."""
