"""Pages of proto-docs as sections of a manual page.

The pages use a small part of Markdown, and no more is understood here: headings, paragraphs, fenced blocks, tables, `code`
and links. A table becomes a list: the first column is the term, the others are its text.
"""

import re

from roff import heading, prose, verbatim


def sections(text):
    """The page without its title. What stands before the first heading belongs to the section before."""
    out = []
    for kind, lines in blocks(text):
        if kind == "code":
            out += [".PP", *verbatim(lines)]
        elif kind == "table":
            out += table(lines)
        elif kind == "heading":
            level, caption = lines[0].split(" ", 1)
            if level == "##":
                out.append(heading("SH", caption.upper()))
            elif level == "###":
                out.append(heading("SS", caption))
        else:
            out += [".PP", prose(" ".join(lines))]
    return out


def table(rows):
    """Each row as a term and its text. A column after the second is told by its heading."""
    cells = [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in rows]
    headings, out = cells[0], []
    for term, text, *others in cells[2:]:
        told = [f"({name}: {cell})" for name, cell in zip(headings[2:], others) if cell]
        out += [".TP", prose(term), prose(" ".join([text, *told]))]
    return out


def blocks(text):
    """The parts of a page: a kind (`heading`, `code`, `table`, `paragraph`) and its lines."""
    lines, out = iter(text.splitlines()), []
    kind = None
    for line in lines:
        if line.startswith("```"):
            code = []
            for inner in lines:
                if inner.startswith("```"):
                    break
                code.append(inner)
            out.append(("code", code))
            kind = None
        elif re.match(r"#+ ", line):
            out.append(("heading", [line]))
            kind = None
        elif not line.strip():
            kind = None
        else:
            this = "table" if line.startswith("|") else "paragraph"
            if this != kind:
                out.append((this, []))
                kind = this
            out[-1][1].append(line)
    return out
