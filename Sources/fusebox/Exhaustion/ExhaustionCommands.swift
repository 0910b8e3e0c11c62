import ArgumentParser
import FuseboxInterop
import FuseboxWire

/// `fusebox exhaustion`
struct ExhaustionCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exhaustion", abstract: "Quota exhaustion: which routes have no quota left, and until when?",
        discussion: """
            A mark keeps calls away from a route: a provider, a deployment of it, or one model of either. It is a claim that \
            can be wrong. So it lasts 24 hours at most (`exhaustion default`), one call at a time probes it once it has \
            stood for five minutes, and a success that was admitted after it ends it. `fusebox pause` takes a route out of \
            use for as long as an operator wants.
            """,
        subcommands: [List.self, Get.self, Mark.self, Clear.self, Reset.self, Default.self])
}

/// Marks and pauses as text for people.
enum MarkText {
    /// Why a route was marked.
    static func text(_ reason: MarkReason) -> String {
        switch reason {
        case .told: "told"
        case .quotaExhausted: "quota exhausted"
        case .throttled: "throttled"
        case .failure: "failed"
        case .unauthorized: "unauthorized"
        case .unknown(let number): "reason \(number)"
        }
    }

    /// When a mark is probed.
    static func probe(_ entry: ExhaustionEntry, _ clock: DaemonClock) -> String {
        guard let due = entry.probeAt else { return "-" }
        if entry.isProbed { return "under way" }
        return due <= clock.now ? "due" : clock.relative(due)
    }

    /// When a pause ends.
    static func end(_ pause: PauseEntry, _ clock: DaemonClock) -> String {
        pause.until.map { clock.relative($0) } ?? "when resumed"
    }

    /// A pause as a sentence: since when, until when, by whom and why.
    static func sentence(_ pause: PauseEntry, _ clock: DaemonClock) -> String {
        "\(pause.route) is paused since \(clock.date(pause.since)), ends \(end(pause, clock)), by uid \(pause.user): \(pause.reason)"
    }
}
