from ._money import Money
