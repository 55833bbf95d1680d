"""Scenarios: a case in YAML, played on the cores or on the running house, and held against what must come of it.

Words: ``document`` (a whole file), ``given``, ``steps``, ``then``, and for one matter each ``acts``, ``following``,
``access``, ``after``, ``attaching``, ``identity_then``; ``contract`` has the codes and ``terms`` what all words share.
Playing: ``play`` on a ``stage``, which is ``in_process`` or ``live``. Holding it against ``then``: ``check``, and a
``check_…`` for each matter, of what was ``seen``.
"""
