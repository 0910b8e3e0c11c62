"""What documents of providers cost, computed apart from Fusebox: by its own reading of each API, with `decimal`.

Reads JSON lines {"document": TEXT, "prices": {input, cached, write, output, reasoning: dollars per million}} and prints
the cost of each in nano-dollars, rounded up once.
"""

import json
import sys
from decimal import ROUND_CEILING, Decimal


def usage_of(document):
    for path in (["usage"], ["usageMetadata"], ["message", "usage"], ["response", "usage"], []):
        found = document
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, dict) and any("oken" in key or key.endswith("eval_count") for key in found):
            return found
    raise SystemExit(f"no usage in {document}")


def kinds(usage):
    """Tokens: sent, read from a cache, written to one, received, reasoning."""

    def get(*path):
        found = usage
        for name in path:
            found = (found or {}).get(name)
        return int(found or 0)

    if "promptTokenCount" in usage:
        cached = get("cachedContentTokenCount")
        sent = get("promptTokenCount") - cached + get("toolUsePromptTokenCount")
        return sent, cached, 0, get("candidatesTokenCount"), get("thoughtsTokenCount")
    if "prompt_eval_count" in usage:
        return get("prompt_eval_count"), 0, 0, get("eval_count"), 0
    if "inputTokens" in usage:
        return get("inputTokens"), get("cacheReadInputTokens"), get("cacheWriteInputTokens"), get("outputTokens"), 0
    if "prompt_tokens" in usage:
        cached = get("prompt_tokens_details", "cached_tokens") or get("prompt_cache_hit_tokens")
        written = get("prompt_tokens_details", "cache_write_tokens")
        thought = get("completion_tokens_details", "reasoning_tokens")
        received = get("completion_tokens")
        # Some count reasoning beside the completion. Their total says so.
        beside = get("total_tokens") == get("prompt_tokens") + received + thought
        return get("prompt_tokens") - cached - written, cached, written, received - (0 if beside else thought), thought
    thought = get("output_tokens_details", "thinking_tokens")
    is_anthropic = "cache_read_input_tokens" in usage or "cache_creation_input_tokens" in usage or thought
    if not is_anthropic and ("input_tokens_details" in usage or "output_tokens_details" in usage):
        cached, thought = get("input_tokens_details", "cached_tokens"), get("output_tokens_details", "reasoning_tokens")
        return get("input_tokens") - cached, cached, 0, get("output_tokens") - thought, thought
    cached, written = get("cache_read_input_tokens"), get("cache_creation_input_tokens")
    return get("input_tokens"), cached, written, get("output_tokens") - thought, thought


for line in sys.stdin:
    sample = json.loads(line)
    usage = usage_of(json.loads(sample["document"], parse_float=Decimal))
    if "cost" in usage:
        dollars = Decimal(usage["cost"])
    else:
        prices = [Decimal(sample["prices"][name]) for name in ("input", "cached", "write", "output", "reasoning")]
        dollars = sum(count * price for count, price in zip(kinds(usage), prices)) / 1_000_000
    print(int((dollars * 10**9).to_integral_value(rounding=ROUND_CEILING)))
