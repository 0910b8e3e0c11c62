"""What calls cost and use in all, computed apart from Fusebox, with `fractions`.

Reads lines:

- `price PROVIDER MODEL INPUT CACHED WRITE OUTPUT REASONING REQUEST`: nano-dollars per million tokens and per request (`-`:
  not set); `*` stands for every provider or model
- `day NUMBER`: a day begins
- `call PROVIDER DEPLOYMENT MODEL TAGS COST TOKENS…`: a success; `-`: none, or not told; the tags with commas between them

Prints for each scope, in all and for each day, the cost in nano-dollars, the calls, the tokens sent, read from a cache,
written to one, received and of reasoning, and the calls without a cost.
"""

import math
import sys
from fractions import Fraction


def number(word):
    return None if word == "-" else int(word)


def price_of(words):
    """Prices of the five kinds of tokens, and of the request."""
    sent, cached, written, received, thought, request = map(number, words)
    cached, written = (sent if price is None else price for price in (cached, written))
    return [sent, cached, written, received, received if thought is None else thought], request or 0


def cost_of(price, tokens):
    kinds, request = price
    told = [any(count is not None for count in tokens[:3]), any(count is not None for count in tokens[3:])]
    free = [all(price == 0 for price in kinds[:3]), all(price == 0 for price in kinds[3:])]
    known = all(price is not None or not count for price, count in zip(kinds, tokens))
    if not known or not (told[0] or free[0]) or not (told[1] or free[1]):
        return None
    exact = sum(Fraction((price or 0) * (count or 0), 1_000_000) for price, count in zip(kinds, tokens))
    return math.ceil(exact + request)


def scopes(provider, deployment, model, tags):
    yield from ("host", provider, f"{provider}/{model}")
    if deployment != "-":
        yield f"{provider}@{deployment}"
    yield from tags.split(",")


def add(sums, key, used):
    sums[key] = [before + more for before, more in zip(sums.get(key, [0] * len(used)), used)]


prices, sums, day = {}, {}, None
for line in sys.stdin:
    what, *words = line.split()
    if what == "price":
        prices[words[0], words[1]] = price_of(words[2:])
    elif what == "day":
        day = words[0]
    else:
        provider, deployment, model, tags = words[:4]
        cost, *tokens = map(number, words[4:])
        keys = [(provider, model), (provider, "*"), ("*", model)]
        price = next((prices[key] for key in keys if key in prices), None)
        if cost is None and price:
            cost = cost_of(price, tokens)
        sent, cached, written, received, thought = (count or 0 for count in tokens)
        parts = [sent + cached + written, cached, written, received + thought, thought]
        used = [cost or 0, 1, *parts, int(cost is None)]
        for scope in scopes(provider, deployment, model, tags):
            add(sums, scope, used)
            add(sums, f"day {day} {scope}", used)
for line in sorted(f"{key} {' '.join(map(str, used))}" for key, used in sums.items()):
    print(line)
