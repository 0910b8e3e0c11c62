// A proxy between client and daemon that loses replies and connections.

import { once } from 'node:events'
import net from 'node:net'
import path from 'node:path'

/** Passes bytes on, and drops the connection after it has swallowed some of the daemon's. */
export class Proxy {
  static async start (t, daemon) {
    const proxy = new Proxy(daemon)
    proxy.server.listen(proxy.path)
    await once(proxy.server, 'listening')
    t.after(() => proxy.stop())
    return proxy
  }

  constructor (daemon) {
    this.path = path.join(daemon.folder, 'proxy')
    /** Replies that pass on each connection before the rest is swallowed. */
    this.passes = Infinity
    this.losses = 0
    this.peers = new Set()
    this.target = daemon.socket
    this.server = net.createServer(near => {
      const far = net.createConnection(this.target)
      this.peers.add(near).add(far)
      near.on('error', () => {})
      far.on('error', () => {})
      near.on('close', () => far.destroy())
      far.on('close', () => near.destroy())
      near.pipe(far)
      let passed = 0
      far.on('data', chunk => {
        passed += 1
        if (passed <= this.passes) return near.write(chunk)
        // The daemon has answered, and the client will never know.
        this.losses += 1
        near.destroy()
      })
    })
  }

  stop () {
    for (const peer of this.peers) peer.destroy()
    this.server.close()
  }
}
