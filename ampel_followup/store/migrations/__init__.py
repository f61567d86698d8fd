"""Migrations of the store's tables, run by Alembic when a store of an older layout is opened."""
