// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

/// ISA-L inflates and deflates several times faster than zlib. `PYRAMIDION_ISAL=0` builds without it.
let hasISAL = Context.environment["PYRAMIDION_ISAL"] != "0"

#if arch(x86_64)
    let isX86 = true
#else
    let isX86 = false
#endif

extension [SwiftSetting] {
    static var house: [SwiftSetting] {
        [
            .swiftLanguageMode(.v6),
            .treatAllWarnings(as: .error),
            .enableUpcomingFeature("ExistentialAny"),
            .enableUpcomingFeature("InternalImportsByDefault"),
            .enableUpcomingFeature("MemberImportVisibility"),
            .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        ]
    }
}

func library(
    _ name: String,
    _ dependencies: [Target.Dependency] = [],
    settings: [SwiftSetting] = []
) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: .house + settings)
}

func tests(
    _ name: String,
    _ dependencies: [Target.Dependency],
    resources: [Resource] = []
) -> Target {
    .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: .house)
}

let http: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

var targets: [Target] = [
    // C libraries of the system: each is imported by exactly one Swift target.
    .systemLibrary(name: "CUV", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(
        name: "CTurboJPEG",
        pkgConfig: "libturbojpeg",
        providers: [.apt(["libturbojpeg0-dev"])]
    ),
    .systemLibrary(name: "CSPNG", pkgConfig: "spng", providers: [.apt(["libspng-dev"])]),
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .target(name: "CHost"),
    .target(name: "CFiles"),
    .target(name: "CPrefetch"),
    .target(name: "CLanes"),
    .target(name: "CPage", exclude: ["web"]),  // the page's files, embedded; not resources to be copied

    // What both halves say alike.
    library("VolumeNames"),

    // The data half.
    library("Voxels"),
    library("RowKernels", ["CPrefetch", "CLanes"]),
    library(
        "Downsampling",
        ["Voxels", "RowKernels", "CHost"] + (isX86 ? ["RowKernelsV3"] : []),
        settings: isX86 ? [.define("ROW_KERNELS_V3")] : []
    ),
    library(
        "ChunkCodecs",
        ["Voxels", "CZlib", "CTurboJPEG", "CSPNG"] + (hasISAL ? ["CISAL"] : []),
        settings: hasISAL ? [.define("ISAL")] : []
    ),
    library("Volumes", ["Voxels"]),

    // The transport half.
    library("HTTP1", [http]),
    library("UV", ["CUV"]),
    library("Workers"),
    library("HTTPServer", ["HTTP1", "UV", http]),
    library("Origins", ["UV", "Workers", "VolumeNames", "CCurl", "CFiles"]),

    // Where the two meet.
    library("Configuration", ["VolumeNames", "CYAML"]),
    library(
        "PyramidService",
        [
            "Voxels", "Downsampling", "ChunkCodecs", "HTTP1", "HTTPServer", "UV", "Workers", "Configuration",
            "Volumes", "VolumeNames", "Origins", "CPage", http,
            logging,
        ]
    ),
    .executableTarget(
        name: "pyramidion",
        dependencies: [
            "PyramidService", "Configuration", "Voxels", "Downsampling", "ChunkCodecs", "Workers", "UV",
            "HTTPServer",
            .product(name: "ArgumentParser", package: "swift-argument-parser"), logging,
        ],
        swiftSettings: .house
    ),

    tests("VoxelsTests", ["Voxels"]),
    tests("RowKernelsTests", ["RowKernels", "CHost"] + (isX86 ? ["RowKernelsV3"] : [])),
    tests("DownsamplingTests", ["Downsampling", "Voxels"]),
    tests("ChunkCodecsTests", ["ChunkCodecs", "Voxels"]),
    tests("VolumesTests", ["Volumes", "Voxels"]),
    tests("OriginsTests", ["Origins", "UV", "Workers"]),
    tests("HTTP1Tests", ["HTTP1", http], resources: [.copy("Corpus")]),
    tests("UVTests", ["UV"]),
    tests("WorkersTests", ["Workers"]),
    tests("HTTPServerTests", ["HTTPServer", "HTTP1", "UV", http]),
    tests("ConfigurationTests", ["Configuration", "VolumeNames"]),
    tests(
        "PyramidServiceTests",
        [
            "PyramidService", "Configuration", "HTTPServer", "HTTP1", "UV", "Workers", "ChunkCodecs",
            "Downsampling", "Volumes", "Origins",
            "Voxels", http, logging,
        ]
    ),
]

if hasISAL {
    targets.append(.systemLibrary(name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]))
}
if isX86 {
    // The same sources as RowKernels, through a symbolic link, compiled for AVX2 machines.
    targets.append(
        library(
            "RowKernelsV3",
            ["CPrefetch", "CLanes"],
            settings: [.unsafeFlags(["-Xcc", "-march=x86-64-v3"])]
        )
    )
}

if Context.environment["PYRAMIDION_BENCHMARKS"] == "1" {
    // `make bench` alone builds it; in this package, because it measures what `package` access shows.
    targets.append(
        .executableTarget(
            name: "KernelBenchmark",
            dependencies: ["ChunkCodecs", "Downsampling", "Voxels"],
            path: "Benchmarks/Kernels",
            swiftSettings: .house
        )
    )
}

let package = Package(
    name: "pyramidion",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: targets
)
