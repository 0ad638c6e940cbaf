"""What every mail of a brand has in common: header, footer, colours."""

from __future__ import annotations

from dataclasses import dataclass

from schemas import Brand


@dataclass(frozen=True)
class Look:
    """What every mail of a brand has in common. Colours are `#rrggbb`."""

    header: str = ""
    logo: str = ""
    footer: str = ""
    accent: str = "#1f6feb"
    background: str = "#ffffff"
    text: str = "#1f2328"


USUAL_LOOK = Look()


def look_of(brand: Brand | None) -> Look:
    """The brand's own, else the usual one."""
    return Look(**brand.look.model_dump()) if brand else USUAL_LOOK


def readable_on(colour: str) -> str:
    """White or near-black, whichever is read better on `#rrggbb` (WCAG 2.2, relative luminance)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return "#ffffff" if 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.2155 else "#1f2328"
