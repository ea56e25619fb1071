"""Backup and restore: the records of one deployment in one encrypted file, whatever engine they came from."""
