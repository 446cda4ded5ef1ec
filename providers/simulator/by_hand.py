"""What people do in a CRM by hand, in its own screens, and the hub finds afterwards; tests let it happen."""

from __future__ import annotations


class ByHand:
    """Each simulator has those of them that its vendor's screens have."""

    def remove_contact(self, id_: str) -> None:
        """Delete a contact."""
        raise NotImplementedError("Nobody deletes contacts there")

    def merge_contacts(self, primary: str, other: str) -> None:
        """Merge a contact into another one. What becomes of the two ids is the vendor's way."""
        raise NotImplementedError("Nobody merges contacts there")

    def remove_user(self, id_: str) -> None:
        """Take a user away, or switch them off."""
        raise NotImplementedError("Nobody takes users away there")
