"""The delegation domain: pure, synchronous Python that decides who may borrow what, and for how long."""
