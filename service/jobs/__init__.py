"""It is time: APScheduler wakes this process up, and rows decide what there is to do."""
