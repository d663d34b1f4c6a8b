// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// A package of its own, so that nobody who builds the service meets the fuzzers. Its targets are the service's
// sources through a symbolic link: compiled here with the fuzzer's counters, and in reach of `package`.
// Each product is an archive without `main`; scripts/fuzz.sh links it with libFuzzer.

let hasISAL = Context.environment["PYRAMIDION_ISAL"] != "0"

let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

func ours(_ name: String, _ dependencies: [Target.Dependency] = [], settings: [SwiftSetting] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Library/\(name)", swiftSettings: house + settings)
}

func system(_ name: String, _ pkgConfig: String) -> Target {
    .systemLibrary(name: name, path: "Library/\(name)", pkgConfig: pkgConfig)
}

func fuzzer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(
        name: "Fuzz\(name)",
        dependencies: ["FuzzSupport"] + dependencies,
        path: name,
        swiftSettings: house
    )
}

let http: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

let fuzzers = [
    fuzzer("Requests", ["HTTP1", http]),
    fuzzer("Chunked", ["HTTP1"]),
    fuzzer(
        "Query",
        ["PyramidService", "ChunkCodecs", "Configuration", "Downsampling", "HTTP1", "Voxels", http]
    ),
    fuzzer("Npy", ["Voxels"]),
    fuzzer("Inflate", ["ChunkCodecs"]),
    fuzzer("Settings", ["Configuration"]),
    fuzzer("Chunks", ["ChunkCodecs", "Voxels"]),
    fuzzer("Info", ["Volumes", "Voxels"]),
    fuzzer("Origins", ["Origins"]),
]

let package = Package(
    name: "pyramidion-fuzz",
    products: fuzzers.map { .library(name: $0.name, type: .static, targets: [$0.name]) },
    dependencies: [
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: fuzzers
        + [
            .target(name: "FuzzSupport", path: "Support", swiftSettings: house),
            system("CUV", "libuv"), system("CZlib", "zlib"), system("CYAML", "yaml-0.1"),
            system("CTurboJPEG", "libturbojpeg"), system("CSPNG", "spng"), system("CCurl", "libcurl"),
            .target(name: "CHost", path: "Library/CHost"), .target(name: "CPage", path: "Library/CPage"),
            .target(name: "CFiles", path: "Library/CFiles"),
            .target(name: "CPrefetch", path: "Library/CPrefetch"),
            .target(name: "CLanes", path: "Library/CLanes"),
            ours("Voxels"), ours("RowKernels", ["CPrefetch", "CLanes"]),
            ours("Downsampling", ["Voxels", "RowKernels", "CHost"]),
            ours(
                "ChunkCodecs",
                ["Voxels", "CZlib", "CTurboJPEG", "CSPNG"] + (hasISAL ? ["CISAL"] : []),
                settings: hasISAL ? [.define("ISAL")] : []
            ),
            ours("Volumes", ["Voxels"]),
            ours("HTTP1", [http]), ours("UV", ["CUV"]), ours("Workers"),
            ours("HTTPServer", ["HTTP1", "UV", http]), ours("VolumeNames"),
            // What a source answers is read by types that nobody else needs to see.
            ours(
                "Origins",
                ["UV", "Workers", "VolumeNames", "CCurl", "CFiles"],
                settings: [.unsafeFlags(["-enable-testing"])]
            ),
            ours("Configuration", ["VolumeNames", "CYAML"]),
            ours(
                "PyramidService",
                [
                    "Voxels", "Downsampling", "ChunkCodecs", "HTTP1", "HTTPServer", "UV", "Workers",
                    "Configuration", "Volumes", "VolumeNames", "Origins", "CPage", http, logging,
                ]
            ),
        ]
        + (hasISAL ? [system("CISAL", "libisal")] : [])
)
