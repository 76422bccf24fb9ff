"""What happened, kept: tables, queries, migrations, backup.

Every SQL statement of sunpile is in this folder. One writer commits in groups (`database.Database`), so that a durable
answer to a pile stays fast; each chapter's ports are implemented in a file of its name. SQLite by default,
PostgreSQL by URL.
"""
