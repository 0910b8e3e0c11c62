"""The tests of the client."""

import signal

# A shell starts background jobs with interrupts ignored. What the tests start must inherit no such thing either.
signal.signal(signal.SIGINT, signal.default_int_handler)
