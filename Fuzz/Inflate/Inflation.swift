// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import FuzzSupport

/// A body inflated with one backend, cut in one way, up to a bound.
struct Inflation: CustomStringConvertible {
    private static let longest = 1 << 18
    nonisolated(unsafe) private static let inputs = GuardedBuffer(capacity: 1 << 20)
    nonisolated(unsafe) private static let outputs = GuardedBuffer(capacity: 1 << 16)

    private var bytes: [UInt8] = []
    private var error: InflateError?
    /// The bound was reached first.
    private var isCutOff = false

    var description: String {
        "\(bytes.count) bytes, \(error.map { "\($0)" } ?? (isCutOff ? "cut off" : "whole"))"
    }

    init(
        _ stream: UnsafeRawBufferPointer,
        _ coding: BodyCoding,
        _ backend: DeflateBackend,
        _ cutting: Cutting,
        outputBytes: Int
    ) {
        do throws(InflateError) {
            let inflater = try BodyInflater(coding, backend: backend)
            for range in cutting.pieces(of: stream) {
                let input = Self.inputs.last(range.count)
                input.copyMemory(from: UnsafeRawBufferPointer(rebasing: stream[range]))
                try push(UnsafeRawBufferPointer(input), to: inflater, outputBytes)
                if isCutOff { return }
            }
            try inflater.finish()
        } catch {
            self.error = error
        }
    }

    /// Whether a second library comes to the same as the first one, zlib, or is only less strict about deflate: ISA-L
    /// takes sets of code lengths that zlib refuses as incomplete. The checksum behind the data holds for both.
    func isLikeOrLooser(than zlib: Inflation) -> Bool {
        if zlib.error == .corrupt, error == nil, !isCutOff { return bytes.starts(with: zlib.bytes) }
        return isLike(zlib)
    }

    /// Whether two ways come to the same: the same bytes if one is accepted, and a refusal if the other is one.
    /// Which mistake of a broken stream is met first, and how many bytes come before it, is up to the library.
    func isLike(_ other: Inflation) -> Bool {
        if isCutOff || other.isCutOff {
            return bytes.starts(with: other.bytes) || other.bytes.starts(with: bytes)
        }
        guard (error == nil) == (other.error == nil) else { return false }
        let shared = min(bytes.count, other.bytes.count)
        return bytes.prefix(shared) == other.bytes.prefix(shared)
            && (error != nil || bytes.count == other.bytes.count)
    }

    private mutating func push(
        _ input: UnsafeRawBufferPointer,
        to inflater: BodyInflater,
        _ outputBytes: Int
    ) throws(InflateError) {
        var used = 0
        while true {
            let output = Self.outputs.last(outputBytes)
            let rest = UnsafeRawBufferPointer(rebasing: input[used...])
            let progress: InflateProgress
            do throws(InflateError) {
                progress = try inflater.inflate(rest, into: output)
            } catch {
                // After a throw every call throws the same.
                do throws(InflateError) {
                    _ = try inflater.inflate(rest, into: output)
                    require(false, "an inflater that failed went on")
                } catch let again {
                    require(again == error, "\(again) after \(error)")
                }
                throw error
            }
            Self.outputs.checkFront(of: outputBytes)
            require(
                (0...rest.count).contains(progress.consumed),
                "consumed \(progress.consumed) of \(rest.count)"
            )
            require((0...outputBytes).contains(progress.produced), "produced \(progress.produced)")
            used += progress.consumed
            bytes += output.prefix(progress.produced)
            guard progress.state == .outputFull else {
                require(used == input.count, "input left over")
                return
            }
            require(progress.produced == outputBytes, "full at \(progress.produced) of \(outputBytes)")
            if bytes.count > Self.longest {
                isCutOff = true
                return
            }
        }
    }
}
