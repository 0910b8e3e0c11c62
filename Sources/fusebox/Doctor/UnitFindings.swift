import FuseboxWire
import Glibc

/// The units of systemd.
enum UnitFindings {
    static var all: [Finding] {
        guard unsafe access("/run/systemd/system", F_OK) == 0 else {
            return [.note("units", "systemd does not run here")]
        }
        let units = ["fuseboxd.socket", "fuseboxd.service", "fusebox-backup.timer"].map { ($0, properties(of: $0)) }
        guard units.contains(where: { $0.1["LoadState"] == "loaded" }) else {
            return [.note("units", "no unit of Fusebox is installed: the daemon is run by hand or by another manager")]
        }
        return units.map { finding(of: $0.0, $0.1) }
    }

    private static func finding(of unit: String, _ properties: [String: String]) -> Finding {
        let state = "\(properties["ActiveState"] ?? "unknown") (\(properties["SubState"] ?? "unknown"))"
        let restarts = properties["NRestarts"].flatMap(Int.init) ?? 0
        switch properties["ActiveState"] {
        case _ where properties["LoadState"] != "loaded":
            return .note(unit, "it is not installed")
        case "failed":
            return .todo(
                unit,
                "it has failed (\(properties["Result"] ?? "unknown")): see `journalctl -u \(unit)`, then `systemctl restart \(unit)`"
            )
        case "active", "activating", "reloading":
            let text = restarts > 0 ? "\(state), restarted \(Quantity.count(restarts, "time")) by systemd" : state
            return restarts > 0 ? .note(unit, text + ": see `journalctl -u \(unit)`") : .ok(unit, text)
        default:
            if unit.hasSuffix(".timer") {
                return .note(unit, "\(state): no backup is made; `systemctl enable --now \(unit)` makes one a night")
            }
            // The socket starts the service.
            if unit.hasSuffix(".service") { return .note(unit, "\(state): the first client starts it") }
            return .todo(unit, "\(state): `systemctl enable --now \(unit)` starts it")
        }
    }

    /// What systemd says about a unit. Empty if it cannot be asked.
    private static func properties(of unit: String) -> [String: String] {
        let command =
            "systemctl show \(unit) --property=LoadState,ActiveState,SubState,Result,NRestarts 2>/dev/null </dev/null"
        guard let output = unsafe popen(command, "re") else { return [:] }
        defer { unsafe pclose(output) }
        var properties: [String: String] = [:]
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { unsafe free(line) }
        while unsafe getline(&line, &capacity, output) >= 0, let text = unsafe line {
            let parts = unsafe String(cString: text).split(separator: "=", maxSplits: 1)
            guard let name = parts.first, parts.count == 2 else { continue }
            properties[String(name)] = parts[1].filter { !$0.isNewline }
        }
        return properties
    }
}
