'use strict'

// Any number of calls may wait for one signal, such as that of a shutdown. Node warns of more than ten listeners, so each
// signal has one, which tells all of them.

/** @type {WeakMap<AbortSignal, { callbacks: Set<() => void>, listener: () => void }>} */
const watched = new WeakMap()

/**
 * Has a callback called once when a signal is aborted, in the order of these calls, unless `ignoreAbort` comes before.
 *
 * @param {AbortSignal} signal one that is not aborted @param {() => void} callback each one once
 */
function onAbort (signal, callback) {
  const known = watched.get(signal)
  if (known) return void known.callbacks.add(callback)
  const callbacks = new Set([callback])
  const listener = () => {
    watched.delete(signal)
    for (const told of callbacks) told()
  }
  watched.set(signal, { callbacks, listener })
  signal.addEventListener('abort', listener, { once: true })
}

/**
 * A callback that is not known is passed over.
 *
 * @param {AbortSignal} signal @param {() => void} callback
 */
function ignoreAbort (signal, callback) {
  const known = watched.get(signal)
  if (!known?.callbacks.delete(callback) || known.callbacks.size > 0) return
  watched.delete(signal)
  signal.removeEventListener('abort', known.listener)
}

module.exports = { ignoreAbort, onAbort }
