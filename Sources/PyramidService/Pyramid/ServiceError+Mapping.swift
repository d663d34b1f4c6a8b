// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Downsampling
import HTTP1
import HTTPServer
import Origins
import Voxels
import Workers

extension ServiceError {
    static func shortBody(expected: Int, received: Int) -> ServiceError {
        .body("The array has \(received) bytes, and shape and dtype say \(expected); send exactly those.")
    }

    static func longBody(expected: Int) -> ServiceError {
        .body("The array has more than the \(expected) bytes that shape and dtype say; send exactly those.")
    }

    static func tooManyVoxels(_ count: Int, limit: Int) -> ServiceError {
        let most = count == .max ? "\(count) or more" : "\(count)"
        return .overLimit(
            limit: "limits.voxels",
            "The array has \(most) voxels, and \(limit) are allowed; send a part of it."
        )
    }

    /// Finds the words for whatever the layers below throw.
    package init(_ error: any Error) {
        switch error {
        case let error as ServiceError: self = error
        case let error as BodyError: self.init(error)
        case is WriteError, is CancellationError: self = .clientLeft
        case let error as PlanError: self.init(error)
        case EngineError.cancelled: self = .clientLeft
        case EngineError.outOfMemory(let bytes): self = .outOfMemory(bytes)
        case InflateError.outOfMemory: self = .outOfMemory(InflatingSource.inputByteCount)
        case let error as InflateError: self = .body(Self.sentence(error.message))
        case let error as NpyError: self = .body(Self.sentence(error.message))
        case let error as OriginError: self.init(error)
        case let error as ChunkCodecError: self.init(error)
        case let error as WorkerError: self = .overloaded(limit: "workers", Self.sentence(error.description))
        default: self = .internalFault("\(error)")
        }
    }

    /// What an encoding cannot write; what it cannot read is told by whoever reads it.
    private init(_ error: ChunkCodecError) {
        switch error {
        case .pictureTooLarge, .segmentation(.tooLarge):
            self = .overLimit(limit: "chunk_size", Self.sentence(error.message))
        case .outOfMemory:
            self = .overloaded(limit: "limits.memory", Self.sentence(error.message))
        case .unreadableEncoding, .unsuitableType, .unsuitableChannels, .blockExtent, .jpegQuality, .pngLevel,
            .extent, .byteCount, .pictureSize, .pictureComponents, .pictureDepth, .palettePicture,
            .corruptPicture, .pictureNotWritten, .segmentation:
            self = .internalFault(error.message)
        }
    }

    /// What happens to the data folder; what sources do is told by whoever reads them.
    private init(_ error: OriginError) {
        switch error {
        case .cancelled: self = .clientLeft
        case .nameTaken(let name): self = .conflict("There is a volume \(name) already.")
        case .writeFailed, .noRoom, .replaced: self = .noStorage(Self.sentence(error.message))
        case .tooManyWaiting:
            self = .overloaded(limit: "limits.source_transfers", Self.sentence(error.message))
        case .stopped: self = .draining
        case .timedOut: self = .gatewayTimeout(Self.sentence(error.message))
        case .brokenKey, .brokenURL, .brokenName, .readFailed, .notAFile, .tooLarge, .tooShort, .unreachable,
            .refused, .brokenAnswer:
            self = .badGateway(Self.sentence(error.message))
        }
    }

    private init(_ error: BodyError) {
        switch error {
        case .protocolError(let error): self = .transport(error)
        case .tooSlow(let what): self = .transport(.bodyTooSlow(what))
        case .clientLeft, .cancelled: self = .clientLeft
        }
    }

    private init(_ error: PlanError) {
        switch error {
        case .sparseUnsupported(let method):
            self = .parameter(
                "sparse",
                "it says nothing for the method \(method.rawValue); leave it out, or take average, mode or median."
            )
        case .typeUnsupported(let type, let method):
            self = .parameter(
                "method",
                "there is no \(method.rawValue) of \(type.rawValue); use mode, min, max or stride, or another dtype."
            )
        case .mipCount(let count, let limit):
            self = .parameter("mips", "\(count) mips cannot be made; allowed: 1 to \(limit), or all.")
        case .levelsOutside(let levels, let mips):
            self = .parameter(
                "levels",
                "\(levels.lowerBound)-\(levels.upperBound) is outside; this pyramid has the mips 1 to \(mips)."
            )
        case .sumsTooWide:
            self = .parameter(
                "factor",
                "exact sums over so many voxels have no room in 128 bits; allowed: less."
            )
        case .boxTooLarge(let count):
            self = .parameter(
                "factor",
                "boxes of \(count) voxels are too large to count; allowed: \(PyramidPlan.maxBoxVoxelCount) and less."
            )
        }
    }

    /// Texts of lower layers begin small, because they may stand in the middle of a line.
    private static func sentence(_ text: String) -> String {
        text.prefix(1).uppercased() + text.dropFirst() + "."
    }
}
