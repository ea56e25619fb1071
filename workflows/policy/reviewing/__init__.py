"""The rooms of the review: what is judged, what it can grant, and one family of rules in each.

The door is `workflows.policy.review`.
"""
