"""How did the tables come to be what they are? One file in versions/ per change; storage/schema.py runs them.

To change a table: change storage/tables.py, copy the newest file in versions/ to the next number, name the
one before in `down_revision`, and write the step. tests/storage/test_migrations.py says what is missing.
"""
