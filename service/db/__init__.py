"""Where records live: SQLModel tables, one generic mapping, and a store that knows its engine."""
