"""What calls cost and use in all, computed apart from Fusebox, with `fractions`.

Reads `price NAME INPUT CACHED WRITE OUTPUT REASONING REQUEST` in nano-dollars per million tokens and per request (`-`:
not set), then `call NAME COST TOKENS…` (`-`: not told). Prints for each name its cost in nano-dollars, its tokens sent,
read from a cache, written to one, received and of reasoning, and the calls without a cost.
"""

import math
import sys
from fractions import Fraction


def number(word):
    return None if word == "-" else int(word)


prices, sums = {}, {}
for line in sys.stdin:
    what, name, *words = line.split()
    values = [number(word) for word in words]
    if what == "price":
        sent, cached, written, received, thought, request = values
        cached, written = (sent if price is None else price for price in (cached, written))
        prices[name] = [sent, cached, written, received, received if thought is None else thought, request or 0]
        continue
    cost, *tokens = values
    total = sums.setdefault(name, [0] * 7)
    if cost is None and name in prices:
        *kinds, request = prices[name]
        told = [any(count is not None for count in tokens[:3]), any(count is not None for count in tokens[3:])]
        free = [all(price == 0 for price in kinds[:3]), all(price == 0 for price in kinds[3:])]
        known = all(price is not None or not count for price, count in zip(kinds, tokens))
        if known and (told[0] or free[0]) and (told[1] or free[1]):
            exact = sum(Fraction((price or 0) * (count or 0), 1_000_000) for price, count in zip(kinds, tokens))
            cost = math.ceil(exact + request)
    sent, cached, written, received, thought = (count or 0 for count in tokens)
    used = [cost or 0, sent + cached + written, cached, written, received + thought, thought, cost is None]
    sums[name] = [before + more for before, more in zip(total, used)]
for name in sorted(sums):
    print(name, *(int(value) for value in sums[name]))
