#!/bin/sh
# Makes calls with `fusebox run`, one after the other, until the file STOP exists: worker.sh STOP PROVIDER
#
# Each call costs $0.01. The number of calls is printed at the end. An error ends the worker.
calls=0
while [ ! -e "$1" ]; do
  fusebox run --route "$2/model" -- sh -c 'echo cost=0.01 >> "$FUSEBOX_USAGE"' || { echo "exit status $?" >&2; exit 1; }
  calls=$((calls + 1))
done
echo $calls
