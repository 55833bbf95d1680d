"""The journal: dedupe, outbox and state in one table a service, in its own database.

Every event in and every event out is a row. The primary key is the dedupe, for good; rows not yet sent are the outbox;
the rows of a concern, folded, are its state. Records, acts and timers all enter by one door, one transaction each.
"""

from services.chassis.journal.desk import Desk, NoStore, Store
from services.chassis.journal.incoming import Act
from services.chassis.journal.journal import Journal
from services.chassis.journal.rows import Recorded
from services.chassis.journal.transaction import opened, sealed_parts

__all__ = ["Act", "Desk", "Journal", "NoStore", "Recorded", "Store", "opened", "sealed_parts"]
