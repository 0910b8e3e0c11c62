"""Text as roff prints it."""

import re

SPECIAL = {
    "\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq", "…": r".\|.\|.",
}
CODE_OR_LINK = re.compile(r"`([^`]+)`|\[([^\]]+)\]\([^)]+\)")


def escaped(text):
    """The text so that roff prints each of its characters as it is, and takes none for a request."""
    out = "".join(SPECIAL.get(c, c if " " <= c <= "~" else f"\\[u{ord(c):04X}]") for c in text)
    return r"\&" + out if out[:1] in (".", "'") else out


def bold(text):
    return rf"\fB{escaped(text)}\fR"


def prose(text):
    """A paragraph. What stands in backquotes is something to type, and is bold. Of a link its name is left, in italics."""
    text, out, end = " ".join(text.split()), "", 0
    for part in CODE_OR_LINK.finditer(text):
        out += escaped(text[end:part.start()])
        out += bold(part[1]) if part[1] else rf"\fI{escaped(part[2])}\fR"
        end = part.end()
    return out + escaped(text[end:])


def heading(macro, text):
    return f'.{macro} "{escaped(text)}"'


def verbatim(lines):
    """Lines as they stand, set in."""
    margin = min(len(line) - len(line.lstrip()) for line in lines)
    return [".RS 4", ".nf", *[escaped(line[margin:]) for line in lines], ".fi", ".RE"]
