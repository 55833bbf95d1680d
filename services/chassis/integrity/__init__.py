"""What writers and the ledger agree on, pure: the leaf of a record, signed notes, signed receipts.

It stands in the chassis because intake signs a receipt over a leaf before the ledger has seen the record, and
services meet only in the contract. The offline verifier (``services.audit.verify``) uses none of it, on purpose.
"""
