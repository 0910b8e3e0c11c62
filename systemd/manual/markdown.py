"""Pages of proto-docs as sections of a manual page.

The pages use a small part of Markdown, and no more is understood here: headings, paragraphs, fenced blocks, tables, `code`
and links. A table becomes a list: the first column is the term, the others are its text.
"""

import re


class Writer:
    """Writes roff. `escaped` and `verbatim` come from the script that makes the pages."""

    def __init__(self, escaped, verbatim):
        self.escaped = escaped
        self.verbatim = verbatim

    def inline(self, text):
        """A paragraph. Code is bold; of a link to another page its name is left, in italics."""
        out = ""
        for part in re.split(r"(`[^`]+`|\[[^\]]+\]\([^)]+\))", " ".join(text.split())):
            if part.startswith("`"):
                out += rf"\fB{self.escaped(part[1:-1])}\fR"
            elif link := re.fullmatch(r"\[([^\]]+)\]\([^)]+\)", part):
                out += rf"\fI{self.escaped(link[1])}\fR"
            else:
                # Only the start of a line needs the guard against requests, and a part is rarely one.
                out += self.escaped(part).removeprefix(r"\&")
        return r"\&" + out if out[:1] in (".", "'") else out

    def table(self, rows):
        """Each row as a term and its text. A column after the second is told by its heading."""
        cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))] for row in rows]
        headings, out = cells[0], []
        for term, text, *others in cells[2:]:
            told = [f"({heading}: {cell})" for heading, cell in zip(headings[2:], others) if cell]
            out += [".TP", self.inline(term), self.inline(" ".join([text, *told]))]
        return out

    def sections(self, text):
        """The page without its title. What stands before the first heading is a paragraph of the section before."""
        out = []
        for kind, lines in blocks(text):
            if kind == "code":
                out += [".PP", *self.verbatim(lines)]
            elif kind == "table":
                out += self.table(lines)
            elif kind == "heading":
                level, caption = lines[0].split(" ", 1)
                if level == "##":
                    out += [f'.SH "{self.escaped(caption.upper())}"']
                elif level == "###":
                    out += [f'.SS "{self.escaped(caption)}"']
            else:
                out += [".PP", self.inline(" ".join(lines))]
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
