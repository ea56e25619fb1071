"""Decisions for resource servers, in the shape of the OpenID AuthZEN Authorization API 1.0."""
