"""What was drawn and computed, kept in SQLite, never done again."""
