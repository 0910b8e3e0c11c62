'use strict'

/** The longest element that is kept, in characters. Longer ones hold images or the like, and no usage. */
const longestElement = 1 << 20

/** Finds the elements of a JSON list in a stream of text, as Gemini answers a stream that is not one of events. */
class ListElements {
  /** @param {(element: string) => void} onElement called with each object of the list, as text */
  constructor (onElement) {
    this.onElement = onElement
    /** How many brackets are open: 1 between elements. */
    this.depth = 0
    this.isInText = false
    /** A backslash at the end of the piece before. */
    this.escape = ''
    /** The beginning of the present element; empty between elements. */
    this.element = ''
    this.isTooLong = false
  }

  /** @param {string} piece the next piece of the list; the first one begins with its bracket */
  push (piece) {
    const text = this.escape + piece
    this.escape = /(?<!\\)(?:\\\\)*\\$/.test(text) ? '\\' : ''
    this.take(this.escape ? text.slice(0, -1) : text)
  }

  /** @param {string} text a piece that does not end within an escape */
  take (text) {
    let start = this.depth > 1 ? 0 : -1
    for (const { 0: mark, index = 0 } of text.matchAll(marks)) {
      if (mark === '"') this.isInText = !this.isInText
      else if (this.isInText || mark.length > 1) continue
      else if (mark === '{' || mark === '[') {
        if (this.depth === 1) start = index
        this.depth += 1
      } else {
        this.depth -= 1
        if (this.depth !== 1) continue
        this.keep(text.slice(start, index + 1))
        this.end()
        start = -1
      }
    }
    if (start >= 0) this.keep(text.slice(start))
  }

  /** @param {string} text */
  keep (text) {
    this.isTooLong ||= this.element.length + text.length > longestElement
    this.element = this.isTooLong ? '' : this.element + text
  }

  end () {
    if (!this.isTooLong) this.onElement(this.element)
    this.element = ''
    this.isTooLong = false
  }
}

/** What the structure of JSON is made of, and escapes, which hide a quotation mark. */
const marks = /\\.|["{}[\]]/gs

module.exports = { ListElements }
