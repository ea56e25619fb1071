"""Our JSON API: `/v1`, one resource per file, over the same use-cases as the AWS wire."""
