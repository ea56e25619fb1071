"""The wire-compatible face: AWS Query requests in, XML answers out, driven by botocore's service models."""
