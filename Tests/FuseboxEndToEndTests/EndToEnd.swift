import Glibc
import Testing

/// Tests of the real daemon. They run one at a time, because they measure latencies and memory.
@Suite(.serialized) enum EndToEnd {}

/// Set `FUSEBOX_FULL=1` for sizes that take minutes.
let isFull = getenv("FUSEBOX_FULL") != nil
