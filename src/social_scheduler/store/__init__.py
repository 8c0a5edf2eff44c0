"""The database: the only package that knows SQLAlchemy. Tables, queries by use, and migrations."""
