'use strict'

const { ListElements } = require('./json-list')

/** The longest line that is kept, in characters. Longer ones hold images or the like, and no usage. */
const longestLine = 1 << 20

/**
 * Finds the JSON documents in a stream of text: the data of server-sent events, one document a line, or the elements of a
 * list.
 */
class DocumentStream {
  /** @param {(document: any) => void} onDocument */
  constructor (onDocument) {
    this.onDocument = onDocument
    this.decoder = new TextDecoder()
    this.line = ''
    /**
     * Takes the stream apart if it is a list; null if it is none; undefined: nothing but space has come.
     *
     * @type {ListElements | null | undefined}
     */
    this.list = undefined
    /**
     * The data of the event that is not complete yet.
     *
     * @type {string[]}
     */
    this.data = []
  }

  /** @param {Uint8Array} bytes */
  push (bytes) {
    this.take(this.decoder.decode(bytes, { stream: true }))
  }

  /** The stream has ended. What is not complete counts all the same. */
  end () {
    this.take(this.decoder.decode() + '\n\n')
  }

  /** @param {string} text */
  take (text) {
    if (this.list === undefined) {
      text = text.trimStart()
      if (text !== '') this.list = text.startsWith('[') ? new ListElements(element => this.parse(element)) : null
    }
    if (this.list) return this.list.push(text)
    const lines = (this.line + text).split(/\r\n|\n|\r(?!$)/)
    this.line = lines.pop() ?? ''
    if (this.line.length > longestLine) this.line = this.line.slice(0, 1)
    for (const line of lines) this.takeLine(line)
  }

  /** @param {string} line */
  takeLine (line) {
    if (line.startsWith('data:')) this.data.push(line.slice(5).trimStart())
    else if (line.startsWith('{')) this.parse(line)
    else if (line === '' && this.data.length > 0) {
      this.parse(this.data.join('\n'))
      this.data = []
    }
  }

  /** @param {string} text */
  parse (text) {
    // Most events have neither usage nor an error, and to parse them would cost more than the stream itself.
    if (!text.startsWith('{') || !/usage|eval_count|"error"/i.test(text)) return
    let document
    try {
      document = JSON.parse(text)
    } catch (error) {
      return
    }
    this.onDocument(document)
  }
}

module.exports = { DocumentStream }
