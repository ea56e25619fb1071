"""What is wrong, dangerous, doubtful or needless in a policy document, and at which characters of it."""
