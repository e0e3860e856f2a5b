"""Countries and regions by their ISO codes: `US` (ISO 3166-1 alpha-2) or `US-IL` (ISO 3166-2)."""

import pycountry


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
