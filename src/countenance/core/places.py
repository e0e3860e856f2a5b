"""Countries and regions by their ISO codes: `US` (ISO 3166-1 alpha-2) or `US-IL` (ISO 3166-2)."""

import pycountry

from countenance.core.errors import InvalidInputError


def is_place(code: str) -> bool:
    """Return whether a code is a country's or a region's, written as ISO writes it.

    Source:
        ISO 3166-1 and 3166-2, as Debian's iso-codes lists them (pycountry).
    """
    if "-" in code:
        region = pycountry.subdivisions.get(code=code)  # type: ignore[no-untyped-call]
        return region is not None and bool(region.code == code)
    country = pycountry.countries.get(alpha_2=code)
    return country is not None and country.alpha_2 == code


def checked_place(country: str, region: str | None) -> tuple[str, str | None]:
    """Make sure that a country and a region exist and belong together, and return them as ISO writes them.

    Args:
        country: ISO 3166-1 alpha-2, e.g. `US`; the case of the letters does not matter.
        region: ISO 3166-2, e.g. `US-IL`, or None.

    Raises:
        InvalidInputError: codes `country-unknown`, `region-unknown`.

    Source:
        ISO 3166-1 and 3166-2, as Debian's iso-codes lists them (pycountry).
    """
    land = pycountry.countries.get(alpha_2=country)
    if land is None:
        raise InvalidInputError(
            f"{country!r} is not a country's code", code="country-unknown", hint="use ISO 3166-1 alpha-2, e.g. US"
        )
    if region is None:
        return land.alpha_2, None
    part = pycountry.subdivisions.get(code=region)  # type: ignore[no-untyped-call]
    if part is None or part.country_code != land.alpha_2:
        raise InvalidInputError(
            f"{region!r} is not the code of a region of {land.alpha_2}",
            code="region-unknown",
            hint="use ISO 3166-2, e.g. US-IL for Illinois",
        )
    return land.alpha_2, part.code
