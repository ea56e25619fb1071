"""The policy language: reading documents, asking them questions, and saying why the answer is what it is.

Nothing here knows about accounts, requests or stores; the package stands on the standard library alone, so
that it can be read, tested and fuzzed by itself.
"""
