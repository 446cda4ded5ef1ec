"""What people do in a CRM by hand, in its own screens, and the hub finds afterwards; tests let it happen."""

from __future__ import annotations

from abc import ABC, abstractmethod


class ByHand(ABC):
    """A task for whom one of these took away is refused from then on, as the vendor refuses it."""

    @abstractmethod
    def remove_contact(self, id_: str) -> None:
        """Delete a contact."""

    @abstractmethod
    def remove_user(self, id_: str) -> None:
        """Take a user away, or switch them off."""

    def merge_contacts(self, primary: str, other: str) -> None:
        """Merge a contact into another one, where people can. What becomes of the two ids is the vendor's way."""
        raise NotImplementedError("Nobody merges contacts there")
