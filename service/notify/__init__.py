"""Telling partners what happened: signed messages, sent only to receivers that may be reached from here."""
