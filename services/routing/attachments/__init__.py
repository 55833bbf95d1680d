"""Attachments for recipients: the manifest of what was released to them, and the bytes, with a receipt."""
