"""What a client may choose for images and frames: the same names in an address, a form, JSON and a stream's first
message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mien.core.faults import fault
from mien.core.names import nearest, quoted
from mien.server.errors import APIError
from mien.server.task import HIGHEST, SMALLEST

M = TypeVar("M", bound=BaseModel)


class Choices(BaseModel):
    """What reads, and which faces. What is left out is as the service was started."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(
        None, max_length=100, description="A model that the service offers (`GET /v1/models`)."
    )
    head: str | None = Field(
        None,
        max_length=100,
        description="Which output of the model; that of the service by default, the first one of another model.",
    )
    detector: str | None = Field(
        None, max_length=100, description="What finds faces, out of the detectors that the service offers."
    )
    min_face: int | None = Field(
        None, ge=SMALLEST, le=HIGHEST, description="Height in px of the smallest face to look for."
    )
    largest: bool = Field(False, description="Keep only the biggest face.")
    landmarks: bool = Field(
        False,
        description="Measure what moves in each face (`measures`); only where the service was started with `--landmarks`.",
    )
    points: bool = Field(
        False, description="With `landmarks`: also the 468 points of each face (`mesh`), 12 kB each."
    )

    @model_validator(mode="after")
    def _fits(self) -> Choices:
        if self.points and not self.landmarks:
            raise ValueError("expected landmarks with points; got points alone")
        return self

    def joined(self, fields: Mapping[str, Any]) -> Choices:
        """These, of an address, with those of a body.

        Raises:
            APIError: One is unknown, impossible, or in both places.
        """
        given = self.model_dump(exclude_unset=True)
        if twice := sorted(given.keys() & fields.keys()):
            raise APIError(422, f"expected {twice[0]} once; got it in the address and in the body")
        return validated(Choices, {**given, **fields})


def validated(kind: type[M], values: Mapping[str, Any]) -> M:
    """What a client sent, checked.

    Raises:
        APIError: A field is unknown or impossible.

    >>> validated(Choices, {"modell": "nano"})
    Traceback (most recent call last):
    ...
    mien.server.errors.APIError: expected no option but model, head, detector, min_face, largest, landmarks, points; got 'modell': did you mean model?
    """
    known = list(kind.model_fields)
    if unknown := [name for name in values if name not in kind.model_fields]:
        raise APIError(
            422,
            f"expected no option but {', '.join(known)}; got {quoted(unknown[0])}{nearest(unknown[0], known)}",
        )
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        raise invalid(error) from None


def invalid(error: ValidationError | RequestValidationError, whole: str = "options") -> APIError:
    """Why something does not validate, by its first fault."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or whole
    return APIError(422, f"{where}: {fault(first)}")
