"""The rules on the factors of a product, in the order in which they are tried."""

from __future__ import annotations

from . import factors
from .pairs import rule_pairs

RULES = (
    factors.rule_content,
    factors.rule_powers,
    factors.rule_power_of_sum,
    factors.rule_indicator_power,
    rule_pairs,
    factors.rule_softmax,
    factors.rule_inverse,
    factors.rule_row_sums,
    factors.rule_orthogonal_labels,
    factors.rule_sum_of_terms,
    factors.rule_merged_axes,
)
