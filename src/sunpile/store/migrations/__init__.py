"""Alembic migrations, from the first release on. A released one is never edited."""
