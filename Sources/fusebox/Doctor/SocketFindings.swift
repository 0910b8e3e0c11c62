import FuseboxClient
import FuseboxWire
import Glibc

/// The socket file, and whether this user may connect to it.
struct SocketFindings {
    let path: String

    var all: [Finding] {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            let reason = errno
            return [
                .todo(
                    "socket",
                    reason == ENOENT
                        ? "\(path) does not exist: start the socket, with `systemctl enable --now fuseboxd.socket`, or the daemon"
                        : "\(path) cannot be examined: \(unsafe String(cString: strerror(reason)))")
            ]
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            return [.todo("socket", "\(path) is not a socket: remove it and restart the daemon")]
        }
        let mode = String(status.st_mode & 0o777, radix: 8)
        let owner = Self.user(status.st_uid)
        let group = Self.group(status.st_gid)
        return [.ok("socket", "\(path), mode 0\(mode), user \(owner), group \(group)"), access(status, group)]
    }

    /// Whether this user may connect.
    private func access(_ status: stat, _ group: String) -> Finding {
        let user = Self.user(geteuid())
        if unsafe Glibc.access(path, R_OK | W_OK) == 0 { return .ok("access", "user \(user) may connect") }
        guard status.st_mode & 0o060 == 0o060 else {
            return .todo(
                "access",
                "user \(user) may not connect: its mode decides who may (`fuseboxd --socket-mode`, or SocketMode=)")
        }
        if Self.members(of: status.st_gid).contains(user) {
            return .todo(
                "access",
                "user \(user) is a member of the group \(group), but this session began before that: log in again, or run `newgrp \(group)`"
            )
        }
        return .todo(
            "access",
            "user \(user) is not a member of the group \(group): run `sudo usermod -aG \(group) \(user)`, and log in again"
        )
    }

    private static func user(_ number: uid_t) -> String {
        guard let entry = unsafe getpwuid(number) else { return "\(number)" }
        return unsafe String(cString: entry.pointee.pw_name)
    }

    private static func group(_ number: gid_t) -> String {
        guard let entry = unsafe getgrgid(number) else { return "\(number)" }
        return unsafe String(cString: entry.pointee.gr_name)
    }

    /// The members of a group, as the system's files have them now.
    private static func members(of number: gid_t) -> [String] {
        guard let entry = unsafe getgrgid(number), var member = unsafe entry.pointee.gr_mem else { return [] }
        var names: [String] = []
        while let name = unsafe member.pointee {
            names.append(unsafe String(cString: name))
            unsafe member += 1
        }
        return names
    }
}
