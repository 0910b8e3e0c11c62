"""What Python's zoneinfo says of the zones of a tz database: the measure of the reader and of the windows.

Usage: zones.py FOLDER SAMPLE, where SAMPLE is how many transitions of each zone are looked at on both sides; all, if 0.

Of zones with the same file only the first is examined. The lines:

    name NAME                        the database has a zone of this name
    zone NAME                        what follows is about this one
    from SECOND OFFSET               the offset from a transition on; first at the beginning
    window UNIT SECOND START END     the window that holds a moment
"""

import bisect, datetime, functools, hashlib, math, random, sys, zoneinfo

FOLDER, SAMPLE = sys.argv[1], int(sys.argv[2])
BEGIN, END = 0, 4_102_444_800 + 365 * 86_400  # 1970 to 2100
DAY = 86_400
STEP = 8 * DAY  # no zone has changed its offset for so short a time and back
UTC = datetime.timezone.utc
EPOCH = datetime.date(1970, 1, 1)

zoneinfo.reset_tzpath([FOLDER])


def offset(zone, second):
    return int(datetime.datetime.fromtimestamp(second, zone).utcoffset().total_seconds())


def change(zone, low, high):
    """The second in (low, high] from which on the offset is that of high, if it changes once between the two."""
    while high - low > 1:
        middle = (low + high) // 2
        if offset(zone, middle) == offset(zone, low):
            low = middle
        else:
            high = middle
    return high


def transitions(zone):
    found = [(BEGIN, offset(zone, BEGIN))]
    for second in range(BEGIN, END, STEP):
        low = second
        while offset(zone, low) != offset(zone, second + STEP):
            low = change(zone, low, second + STEP)
            found.append((low, offset(zone, low)))
    return found


# --- Windows that begin with a date: found by the dates of this module, and by the rules for skipped and repeated times


@functools.cache
def midnight(zone, date):
    """The first second of a date, as a moment."""
    naive = datetime.datetime(date.year, date.month, date.day)
    first = naive.replace(tzinfo=zone, fold=0)
    moment = int(first.timestamp())
    if datetime.datetime.fromtimestamp(moment, zone).replace(tzinfo=None) == naive:
        return moment
    # Skipped: one reading of it lies before the change of the clocks, the other one after it.
    return change(zone, int(naive.replace(tzinfo=zone, fold=1).timestamp()), moment)


def last_day(year, month):
    following = datetime.date(year + month // 12, month % 12 + 1, 1)
    return (following - datetime.timedelta(days=1)).day


def dates(unit, near):
    """The dates around one with which windows of a unit begin."""
    name, *anchor = unit.split(":")
    if name in ("day", "week"):
        for distance in range(-8, 9):
            date = near + datetime.timedelta(days=distance)
            if name == "day" or date.weekday() == int(anchor[0]):
                yield date
        return
    for year in range(near.year - 1, near.year + 2):
        months = {"month": range(1, 13), "quarter": (1, 4, 7, 10), "year": anchor[:1]}[name]
        for month in map(int, months):
            yield datetime.date(year, month, min(int(anchor[-1]), last_day(year, month)))


def window(zone, unit, second):
    near = datetime.datetime.fromtimestamp(second, zone).date()
    candidates = sorted(dates(unit, near), key=lambda date: abs((date - near).days))[:4]
    starts = sorted(midnight(zone, date) for date in candidates)
    place = bisect.bisect_right(starts, second)
    return starts[place - 1], starts[place]


# --- Hours: found by looking at every reading of the clock that may be a full hour


def begins_hour(zone, second):
    reading, before = second + offset(zone, second), second - 1 + offset(zone, second - 1)
    return reading % 3600 == 0 or reading // 3600 > before // 3600


def hour(zone, second, grain):
    start = second // grain * grain
    while not begins_hour(zone, start):
        start -= grain
    end = second // grain * grain + grain
    while not begins_hour(zone, end):
        end += grain
    return start, end


UNITS = "day week:0 week:6 month:1 month:15 month:31 quarter:1 quarter:31 year:1:1 year:2:29 year:7:4".split()


def examine(name):
    zone = zoneinfo.ZoneInfo(name)
    chance = random.Random(name)
    found = transitions(zone)
    print("zone", name)
    for second, after in found:
        print("from", second, after)
    grain = math.gcd(3600, *(second for second, _ in found), *(after for _, after in found))
    changes = [second for second, _ in found[1:]]
    if SAMPLE and len(changes) > SAMPLE:
        changes = chance.sample(changes, SAMPLE)
    # Windows of a year around each moment must lie within what datetime can name.
    moments = [chance.randrange(BEGIN + 3 * 366 * DAY, END - 3 * 366 * DAY) for _ in range(4)]
    for second in changes:
        moments += [second - 1, second, second + chance.randrange(-DAY, DAY)]
    for second in moments:
        print("window hour", second, *hour(zone, second, grain))
        for unit in UNITS:
            print("window", unit, second, *window(zone, unit, second))


known = set()
for name in sorted(zoneinfo.available_timezones()):
    print("name", name)
    with open(f"{FOLDER}/{name}", "rb") as file:
        content = hashlib.sha256(file.read()).digest()
    if content not in known:
        known.add(content)
        examine(name)
