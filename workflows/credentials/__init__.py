"""Credentials: access keys and how they are kept, bearer tokens, and the verification of signatures."""
