import FuseboxClient

/// What a worker does: it connects once, and then asks before every call.
func work() async throws {
    let client = try FuseboxClient.connect()  // $FUSEBOX_SOCKET, else /run/fusebox/fusebox.sock
    do {
        print(try await ask("How do fuses work?", using: client))
    } catch let denied as AdmissionDenied {
        print("nobody can be asked now: \(denied)")
    }
}
