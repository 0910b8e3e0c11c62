// The parts of Node that this package uses, for the check alone. Nothing of it is in the published types.

declare const process: {
  readonly env: Record<string, string | undefined>
  readonly pid: number
  geteuid (): number
  emitWarning (warning: string, options: { type: string, code: string }): void
  nextTick (callback: () => void): void
  on (event: 'exit', listener: () => void): void
  off (event: 'exit', listener: () => void): void
}

declare class Buffer extends Uint8Array {
  static alloc (length: number): Buffer
  static allocUnsafe (length: number): Buffer
  static byteLength (text: string, encoding?: string): number
  static concat (list: readonly Uint8Array[]): Buffer
  static from (text: string, encoding?: string): Buffer
  static from (bytes: Uint8Array): Buffer
  copy (target: Uint8Array, targetStart?: number, start?: number, end?: number): number
  subarray (start?: number, end?: number): Buffer
  equals (other: Uint8Array): boolean
  toString (encoding?: string, start?: number, end?: number): string
  write (text: string, offset: number, encoding: string): number
  readUInt16LE (offset: number): number
  readUInt32LE (offset: number): number
  readDoubleLE (offset: number): number
  readBigUInt64LE (offset: number): bigint
  readBigInt64LE (offset: number): bigint
  writeUInt16LE (value: number, offset: number): number
  writeUInt32LE (value: number, offset: number): number
  writeDoubleLE (value: number, offset: number): number
  writeBigUInt64LE (value: bigint, offset: number): number
  writeBigInt64LE (value: bigint, offset: number): number
}

declare module 'node:timers' {
  class Timer {
    ref (): this
    unref (): this
  }
  function setTimeout (callback: (value?: unknown) => void, milliseconds: number): Timer
  function setImmediate (callback: () => void): void
  function clearTimeout (timer: Timer | undefined): void
  function setInterval (callback: () => void, milliseconds: number): Timer
  function clearInterval (timer: Timer | undefined): void
}

declare module 'node:perf_hooks' {
  const performance: { now (): number }
}

declare module 'node:crypto' {
  function randomBytes (length: number): Buffer
}

declare module 'node:net' {
  class Socket {
    on (event: 'connect' | 'close', listener: () => void): this
    on (event: 'data', listener: (chunk: Buffer) => void): this
    on (event: 'error', listener: (error: Error) => void): this
    write (bytes: Uint8Array): boolean
    destroy (): this
    pause (): this
    resume (): this
    ref (): this
    unref (): this
  }
  function createConnection (options: { path: string }): Socket
}

declare module 'node:fs' {
  interface Stats {
    uid: number, mode: number, size: number, nlink: number, ino: number, mtimeMs: number
    isDirectory (): boolean
    isFile (): boolean
    isSocket (): boolean
  }
  const constants: { O_RDWR: number, O_NOFOLLOW: number, O_NONBLOCK: number }
  function existsSync (path: string): boolean
  function statSync (path: string, options: { throwIfNoEntry: false }): Stats | undefined
  function fstatSync (descriptor: number): Stats
  function readFileSync (descriptor: number): Buffer
  function ftruncateSync (descriptor: number, length: number): void
  function unlinkSync (path: string): void
  function mkdirSync (path: string, options: { mode: number }): void
  function lstatSync (path: string): Stats
  function lstatSync (path: string, options: { throwIfNoEntry: false }): Stats | undefined
  function readdirSync (path: string): string[]
  function openSync (path: string, flags: string | number, mode?: number): number
  function rmSync (path: string, options: { force: boolean }): void
  function writeSync (descriptor: number, bytes: Uint8Array, offset?: number, length?: number, position?: number): number
  function fsyncSync (descriptor: number): void
  function closeSync (descriptor: number): void
  function renameSync (from: string, to: string): void
}

declare module 'node:path' {
  function dirname (path: string): string
  function join (...parts: string[]): string
}

declare module 'node:util' {
  function isDeepStrictEqual (one: unknown, other: unknown): boolean
}

declare module 'node:child_process' {
  class ChildProcess {
    on (event: 'error', listener: (error: Error) => void): this
    on (event: 'exit', listener: (status: number | null) => void): this
  }
  function spawnSync (program: string, words: string[], options: { stdio: Array<'ignore' | number>, timeout: number }): void
  function spawn (program: string, words: string[], options: { stdio: Array<'ignore' | number> }): ChildProcess
}
