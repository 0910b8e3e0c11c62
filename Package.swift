// swift-tools-version: 6.2

import PackageDescription

/// Every target of the project is compiled alike: warnings are errors, and code that could break memory
/// safety must say `unsafe` where it does.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
]

/// Tests call C functions freely; they are held to warnings as errors only.
let testing: [SwiftSetting] = [
    .treatAllWarnings(as: .error)
]

/// What rounds doubles needs libm, which programs without Foundation do not link by themselves.
let mathematics: [LinkerSetting] = [.linkedLibrary("m")]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "fusebox",
    products: [
        .library(name: "FuseboxClient", targets: ["FuseboxClient"]),
        // For services: swift-log and swift-service-lifecycle. A plain worker needs neither.
        .library(name: "FuseboxClientExtras", targets: ["FuseboxClientExtras"]),
        .library(name: "FuseboxWire", targets: ["FuseboxWire"]),
        .library(name: "FuseboxCore", targets: ["FuseboxCore"]),
        .library(name: "FuseboxInterop", targets: ["FuseboxInterop"]),
        .executable(name: "fuseboxd", targets: ["fuseboxd"]),
        .executable(name: "fusebox", targets: ["fusebox"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.8.0"),
        // The tool reads the policy file with it. Neither the daemon nor a library links it.
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // Without `pkgConfig`: SwiftPM would look for libuv, and warn that it is missing, in packages that use the client only.
        .systemLibrary(name: "CLibuv", providers: [.apt(["libuv1-dev"])]),
        .systemLibrary(name: "CLinux"),
        .target(name: "FuseboxCollections", swiftSettings: strict),
        .target(name: "FuseboxJSON", swiftSettings: strict),
        .target(name: "FuseboxWire", swiftSettings: strict),
        .target(
            name: "FuseboxCore", dependencies: ["FuseboxCollections", "FuseboxWire"], swiftSettings: strict,
            linkerSettings: mathematics),
        .target(name: "FuseboxStore", dependencies: ["FuseboxWire"], swiftSettings: strict),
        .target(name: "FuseboxLoop", dependencies: ["CLibuv"], swiftSettings: strict),
        .target(
            name: "FuseboxEngine",
            dependencies: ["FuseboxCollections", "FuseboxCore", "FuseboxStore", "FuseboxWire"],
            swiftSettings: strict),
        .target(
            name: "FuseboxServer",
            dependencies: ["FuseboxCollections", "FuseboxCore", "FuseboxEngine", "FuseboxLoop", "FuseboxWire"],
            swiftSettings: strict),
        .target(
            name: "FuseboxClient", dependencies: ["FuseboxCollections", "FuseboxJSON", "FuseboxWire"],
            swiftSettings: strict),
        .target(
            name: "FuseboxClientExtras",
            dependencies: [
                "FuseboxClient", "FuseboxWire", .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict + [.enableUpcomingFeature("InternalImportsByDefault")]),
        .target(
            name: "FuseboxInterop", dependencies: ["FuseboxCore", "FuseboxJSON", "FuseboxWire"], swiftSettings: strict,
            linkerSettings: mathematics),
        .executableTarget(
            name: "fuseboxd",
            dependencies: ["FuseboxCore", "FuseboxEngine", "FuseboxServer", "FuseboxWire", argumentParser],
            swiftSettings: strict),
        .executableTarget(
            name: "fusebox",
            dependencies: [
                "CLinux", "FuseboxClient", "FuseboxCore", "FuseboxEngine", "FuseboxInterop", "FuseboxJSON",
                "FuseboxStore", "FuseboxWire", argumentParser, .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict),
        .executableTarget(name: "fusebox-demo", dependencies: ["FuseboxClient"], swiftSettings: strict),
        // What several test targets share. Tests, test programs and the simulator depend on it, and no product does.
        .target(
            name: "FuseboxTestSupport", dependencies: ["FuseboxWire"], path: "Tests/FuseboxTestSupport",
            swiftSettings: testing),
        .testTarget(
            name: "FuseboxCollectionsTests", dependencies: ["FuseboxCollections", "FuseboxTestSupport"],
            swiftSettings: testing),
        .testTarget(
            name: "FuseboxServerTests",
            dependencies: [
                "FuseboxCore", "FuseboxEngine", "FuseboxLoop", "FuseboxServer", "FuseboxTestSupport", "FuseboxWire",
            ],
            swiftSettings: testing),
        .testTarget(
            name: "FuseboxLoopTests", dependencies: ["FuseboxLoop", "FuseboxTestSupport"], swiftSettings: testing),
        .testTarget(
            name: "FuseboxWireTests", dependencies: ["FuseboxInterop", "FuseboxTestSupport", "FuseboxWire"],
            swiftSettings: testing),
        .testTarget(
            name: "FuseboxInteropTests",
            dependencies: [
                "FuseboxConformance", "FuseboxCore", "FuseboxInterop", "FuseboxTestSupport", "FuseboxWire",
            ],
            exclude: ["Fixtures"], swiftSettings: testing),
        .testTarget(
            name: "FuseboxCoreTests", dependencies: ["FuseboxCore", "FuseboxTestSupport", "FuseboxWire"],
            swiftSettings: testing),
        .testTarget(
            name: "FuseboxClientTests",
            dependencies: [
                "FuseboxClient", "FuseboxCollections", "FuseboxJSON", "FuseboxTestSupport", "FuseboxWire",
            ],
            swiftSettings: testing),
        .testTarget(
            name: "FuseboxClientExtrasTests",
            dependencies: ["FuseboxClient", "FuseboxClientExtras", "FuseboxTestSupport", "FuseboxWire", "fuseboxd"],
            swiftSettings: testing),
        .testTarget(
            name: "fuseboxTests",
            dependencies: [
                "fusebox", "fuseboxd", "FuseboxClient", "FuseboxCore", "FuseboxEngine", "FuseboxInterop",
                "FuseboxStore", "FuseboxTestSupport", "FuseboxWire",
            ],
            swiftSettings: testing),
        .executableTarget(
            name: "fusebox-bench", dependencies: ["FuseboxClient", "FuseboxCore", "FuseboxStore", "FuseboxWire"],
            path: "Benchmarks/fusebox-bench", swiftSettings: testing),
        .executableTarget(
            name: "fusebox-caller", dependencies: ["FuseboxTestSupport", "FuseboxWire"], path: "Tests/fusebox-caller",
            swiftSettings: testing),
        .executableTarget(
            name: "fusebox-embedder", dependencies: ["FuseboxInterop"], path: "Tests/fusebox-embedder",
            swiftSettings: testing),
        .testTarget(
            name: "FuseboxEndToEndTests",
            dependencies: [
                "fusebox", "fusebox-caller", "FuseboxClient", "FuseboxCollections", "FuseboxCore", "FuseboxStore",
                "FuseboxTestSupport", "FuseboxWire", "fuseboxd",
            ],
            swiftSettings: testing),
        .target(name: "ApplicationNames", path: "Tests/ApplicationNames", swiftSettings: testing),
        .target(
            name: "Application", dependencies: ["ApplicationNames", "FuseboxClient"], path: "Tests/Application",
            swiftSettings: testing + [.enableUpcomingFeature("MemberImportVisibility")]),
        .testTarget(
            name: "FuseboxProductTests",
            dependencies: [
                "Application", "ApplicationNames", "FuseboxClient", "FuseboxConformance", "FuseboxCore",
                "FuseboxEngine", "FuseboxInterop", "FuseboxStore", "FuseboxTestSupport", "FuseboxWire", "fusebox",
                "fusebox-demo", "fusebox-embedder", "fuseboxd",
            ],
            swiftSettings: testing),
        .target(
            name: "FuseboxConformance", dependencies: ["FuseboxInterop"], path: "Tests/FuseboxConformance",
            swiftSettings: testing),
        .target(
            name: "FuseboxSimulation",
            dependencies: ["FuseboxCore", "FuseboxEngine", "FuseboxStore", "FuseboxTestSupport", "FuseboxWire"],
            path: "Tests/FuseboxSimulation", swiftSettings: testing),
        .executableTarget(
            name: "fusebox-simulate", dependencies: ["FuseboxSimulation"], path: "Tests/fusebox-simulate",
            swiftSettings: testing),
        .testTarget(
            name: "FuseboxSimulationTests", dependencies: ["FuseboxSimulation"], swiftSettings: testing),
        .testTarget(
            name: "FuseboxStoreTests",
            dependencies: [
                "FuseboxCollections", "FuseboxSimulation", "FuseboxStore", "FuseboxTestSupport", "FuseboxWire",
            ],
            swiftSettings: testing),
        .testTarget(
            name: "FuseboxEngineTests",
            dependencies: [
                "FuseboxCore", "FuseboxEngine", "FuseboxSimulation", "FuseboxStore", "FuseboxTestSupport",
                "FuseboxWire",
            ],
            exclude: ["Calendars/zones.py", "Fixtures"], swiftSettings: testing),
    ],
    swiftLanguageModes: [.v6]
)
