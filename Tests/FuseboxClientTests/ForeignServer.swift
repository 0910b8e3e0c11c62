import FuseboxTestSupport
import Glibc

/// A server that sends the same bytes to every client, then closes the connection.
final class ForeignServer: Sendable {
    private let descriptor: Int32
    private let path: String

    init(_ path: String, _ bytes: [UInt8]) {
        self.path = path
        let descriptor: Int32
        do throws(TestFailure) { descriptor = try listeningSocket(at: path) } catch { fatalError(error.description) }
        self.descriptor = descriptor
        startThread {
            while true {
                let accepted = accept(descriptor, nil, nil)
                guard accepted >= 0 else { break }
                var hello = [UInt8](repeating: 0, count: 512)
                _ = recv(accepted, &hello, 512, 0)
                _ = bytes.withUnsafeBytes { send(accepted, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                close(accepted)
            }
            close(descriptor)
        }
    }

    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        unlink(path)
    }
}
