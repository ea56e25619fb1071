"""Credentials of the domain: access keys, session tokens and the check of request signatures."""
