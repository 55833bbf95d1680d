"""Objects: large sealed content that lies outside the log, in a folder or in an S3 bucket.

A store sees ciphertext under random ids and nothing else: no name, no type, no concern. What an object is stands
sealed in an event; the key its bytes are sealed under is the vault's, so erasing the key makes the object unreadable
wherever a copy of it lies.
"""

from services.chassis.objects.folder import FolderObjects
from services.chassis.objects.port import ObjectMissing, Objects, StoreAway, new_object_id
from services.chassis.objects.sealing import PIECE_BYTES, ObjectBroken, opened_pieces, sealed_pieces
from services.chassis.objects.settings import objects_of

__all__ = [
    "PIECE_BYTES",
    "FolderObjects",
    "ObjectBroken",
    "ObjectMissing",
    "Objects",
    "StoreAway",
    "new_object_id",
    "objects_of",
    "opened_pieces",
    "sealed_pieces",
]
