"""The schema's history: each step expands first and contracts a release later, so old and new code share a database."""
