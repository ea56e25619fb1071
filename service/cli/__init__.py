"""The command line: a noun, then a verb; thin over the same use-cases as every other wire."""
