"""The facts that Daypass keeps: frozen dataclasses, one module per aggregate, no behaviour and no storage.

Every instant is an aware UTC datetime. Fields that end in `_id` of a principal hold the immutable principal id;
those the wire calls `OwnerId` and `ApproverId` are ARNs and end in `_arn`.
"""
