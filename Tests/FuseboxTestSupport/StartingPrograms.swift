import Glibc

/// Starts a program. Its signals are not blocked and not ignored: test threads block some, and whoever runs the tests may
/// ignore SIGHUP. A program would inherit both.
///
/// - Parameters:
///   - arguments: the program's absolute path, then its arguments
///   - environment: `NAME=value`
///   - describe: adds what becomes of the descriptors
package func startProgram(
    _ arguments: [String], environment: [String], _ describe: (inout posix_spawn_file_actions_t) -> Void
) throws(TestFailure) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    describe(&actions)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    var argv = arguments.map { strdup($0) } + [nil]
    var envp = environment.map { strdup($0) } + [nil]
    defer { for text in argv + envp { free(text) } }
    var process: pid_t = 0
    let code = posix_spawn(&process, arguments[0], &actions, &attributes, &argv, &envp)
    guard code == 0 else { throw TestFailure("cannot start \(arguments[0]): error \(code)") }
    return process
}

/// Starts a program without input. Its standard output and standard error are appended to a file. Its descriptor 3 is
/// `third`, unless that is nil. It inherits no other descriptor.
package func spawn(
    _ arguments: [String], environment: [String], standardError: String, third: Int32? = nil
) -> pid_t {
    do throws(TestFailure) {
        return try startProgram(arguments, environment: environment) { actions in
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
            posix_spawn_file_actions_addopen(&actions, 1, standardError, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
            if let third { posix_spawn_file_actions_adddup2(&actions, third, 3) }
            for descriptor in (third == nil ? 3 : 4)..<256 as Range<Int32> {
                posix_spawn_file_actions_addclose(&actions, descriptor)
            }
        }
    } catch { preconditionFailure(error.description) }
}

/// Runs a program until it ends. Returns its exit status, or 128 plus the number of a signal.
package func run(_ arguments: [String]) -> Int32 {
    let process = spawn(arguments, environment: ["PATH=/usr/bin:/bin"], standardError: "/dev/null")
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return exitStatus(ofWait: status)
}

/// The exit status that `waitpid` reported, or 128 plus the number of the signal that ended the process.
package func exitStatus(ofWait status: Int32) -> Int32 {
    status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
}

/// The variables that sanitizers read, as the tests have them. Every program that the tests start gets them.
package let sanitizerVariables = (["ASAN_OPTIONS", "TSAN_OPTIONS"] as [String]).compactMap { name in
    getenv(name).map { "\(name)=\(String(cString: $0))" }
}
