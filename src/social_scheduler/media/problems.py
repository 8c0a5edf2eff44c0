"""What is told of a picture, film or captions file that will not be published as it is."""

from __future__ import annotations

from social_scheduler.errors import InvalidInput


class MediaError(InvalidInput):
    """A file that will not be published as it is: why, and what to do about it."""

    @property
    def reason(self) -> str:
        """Why, without the remedy."""
        return self.problem

    def __str__(self) -> str:
        return f"{self.problem}: {self.remedy}"


class PictureError(MediaError):
    """A picture that will not be published as it is."""


class FilmError(MediaError):
    """A film or moving picture that will not be published as it is."""
