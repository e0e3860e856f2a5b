"""Which gates hold in an evaluation."""

from enum import StrEnum

from countenance.evaluation.acquisition import NO_GATE
from countenance.vision.quality import ENROL_GATE, SEARCH_GATE, Gate


class GateRule(StrEnum):
    """The product's gates, or none: then only photographs without a face, or unreadable ones, are failures."""

    PRODUCT = "product"
    NONE = "none"

    @property
    def for_references(self) -> Gate:
        """The gate that photographs of the gallery must pass."""
        return ENROL_GATE if self is GateRule.PRODUCT else NO_GATE

    @property
    def for_probes(self) -> Gate:
        """The gate that probes, and photographs compared in pairs, must pass."""
        return SEARCH_GATE if self is GateRule.PRODUCT else NO_GATE
