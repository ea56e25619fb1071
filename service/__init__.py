"""Everything of Daypass that faces outwards: it listens, stores, sends and wakes up; the domain decides."""
