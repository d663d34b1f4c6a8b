// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Dispatch
import Downsampling
import Glibc
import Synchronization
import Voxels

/// Runs kernels over one array in memory, by orders from standard input, one a line; each is answered by one line.
///
///     array PATH                                      takes the file's bytes as the input; answers its size
///     pyramid TYPE SHAPE METHOD PRECISION FACTOR MIPS SPARSE ORDER LANES
///                                                     one whole pyramid; answers seconds, and a checksum: on one lane
///                                                     seconds of computing, else of the clock
///     again TIMES pyramid ...                         the same, on one lane, so many times: seconds of computing of one
///     sum LANES                                       reads the input once as 64-bit words; answers likewise
///     floor BYTES,...                                 reads the input once and writes levels of these sizes on the way,
///                                                     in one thread: what a pyramid cannot do without
///     inflate                                         inflates the input, gzip, into one buffer over and over; seconds
///                                                     of computing
///     copy                                            memcpy of the input to fresh memory; seconds of computing
struct KernelOrders {
    /// In huge pages, as levels are, and as the arrays are that the peers in Python are given.
    private var memory: VoxelBuffer?

    private var input: UnsafeMutableRawBufferPointer {
        memory?.bytes ?? UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }

    mutating func serve() throws {
        while let line = readLine() {
            let words = line.split(separator: " ").map(String.init)
            switch words.first {
            case "array" where words.count == 2: say(try take(words[1]))
            case "pyramid" where words.count == 10: say(try pyramid(words))
            case "again" where words.count == 12: say(try again(Int(words[1]) ?? 1, Array(words[2...])))
            case "sum" where words.count == 2: say(sum(lanes: Int(words[1]) ?? 1))
            case "floor" where words.count == 2:
                say(try floor(words[1].split(separator: ",").compactMap { Int($0) }))
            case "inflate": say(try inflate())
            case "copy": say(copy())
            default: throw BenchmarkError("no such order: \(line)")
            }
        }
    }

    private mutating func take(_ path: String) throws -> Int {
        let bytes = try File.contents(path)
        memory = try VoxelBuffer(byteCount: bytes.count)
        input.copyBytes(from: bytes)
        return bytes.count
    }

    private func again(_ times: Int, _ words: [String]) throws -> String {
        let spec = try spec(words)
        let begin = computed()
        var check: UInt64 = 0
        for _ in 0..<max(times, 1) {
            let plan = try PyramidPlan(spec)
            let engine = try PyramidEngine(plan, slabsInFlight: 1)
            for slab in 0..<plan.slabCount { try reduce(slab, engine) }
            check &+= UInt64(engine.readyByteCount(mip: 1))
        }
        return "\((computed() - begin) / Double(max(times, 1))) \(check)"
    }

    private func pyramid(_ words: [String]) throws -> String {
        let spec = try spec(words)
        let lanes = Int(words[9]) ?? 1

        let begin = lanes == 1 ? computed() : now()
        let plan = try PyramidPlan(spec)
        let engine = try PyramidEngine(plan, slabsInFlight: lanes == 1 ? 1 : lanes * 2)
        if lanes == 1 {
            for slab in 0..<plan.slabCount { try reduce(slab, engine) }
        } else {
            reduce(engine, lanes: lanes)
        }
        let seconds = (lanes == 1 ? computed() : now()) - begin

        var check: UInt64 = 0
        for level in plan.keptLevels { check = check &* 31 &+ KernelOrders.words(engine.level(level.mip)) }
        return "\(seconds) \(check)"
    }

    private func spec(_ words: [String]) throws -> PyramidSpec {
        let numbers = { (text: String) in text.split(separator: ",").compactMap { Int($0) } }
        guard let type = VoxelType(rawValue: words[1]), let method = Method(rawValue: words[3]),
            let precision = Precision(rawValue: words[4]), let mips = Int(words[6]),
            let order = MemoryOrder(rawValue: words[8])
        else { throw BenchmarkError("not understood: \(words)") }
        let spec = PyramidSpec(
            type: type,
            shape: try Shape(numbers(words[2])),
            order: order,
            method: method,
            precision: precision,
            factor: try Factor(numbers(words[5])),
            mips: .count(mips),
            sparse: words[7] == "true"
        )
        guard spec.shape.byteCount(type) == input.count else {
            throw BenchmarkError("the array is of another size")
        }
        return spec
    }

    private func reduce(_ slab: Int, _ engine: PyramidEngine) throws {
        try engine.reduce(slab: slab, UnsafeRawBufferPointer(rebasing: input[engine.plan.slabRange(slab)])) {
            false
        }
    }

    /// Every lane takes the next slab, and begins it only when it is no more than a ring ahead of the slowest.
    private func reduce(_ engine: PyramidEngine, lanes: Int) {
        let next = Atomic(0)
        let done = (0..<engine.plan.slabCount).map { _ in Flag() }
        let orders = self
        DispatchQueue.concurrentPerform(iterations: lanes) { _ in
            while true {
                let slab = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard slab < done.count else { return }
                if slab >= lanes * 2 {
                    for before in 0...(slab - lanes * 2) where before >= slab - lanes * 3 {
                        while !done[before].isSet { sched_yield() }
                    }
                }
                do { try orders.reduce(slab, engine) } catch { return }
                done[slab].set()
            }
        }
    }

    private func sum(lanes: Int) -> String {
        let begin = now()
        let total = Atomic<UInt64>(0)
        nonisolated(unsafe) let input = UnsafeRawBufferPointer(input)
        let part = (input.count / lanes + 63) / 64 * 64
        DispatchQueue.concurrentPerform(iterations: lanes) { lane in
            let range = min(lane * part, input.count)..<min((lane + 1) * part, input.count)
            total.wrappingAdd(
                KernelOrders.words(UnsafeRawBufferPointer(rebasing: input[range])),
                ordering: .relaxed
            )
        }
        return "\(now() - begin) \(total.load(ordering: .relaxed))"
    }

    /// Memory of levels, and reading and writing by turns, as a pyramid has them; seconds of computing.
    private func floor(_ levelByteCounts: [Int]) throws -> String {
        let piece = 16 << 10
        guard levelByteCounts.allSatisfy({ $0 >= 0 }), input.count >= piece else {
            throw BenchmarkError("no such floor")
        }
        let begin = computed()
        // Of the pyramid's own sizes, so that both find the other's memory and neither is given new pages.
        let levels = try levelByteCounts.map { try VoxelBuffer(byteCount: $0) }
        let shares = levelByteCounts.map { $0 * piece / input.count & ~7 }
        var total: UInt64 = 0
        for number in 0..<input.count / piece {
            let bytes = input[number * piece..<(number + 1) * piece]
            total &+= KernelOrders.words(UnsafeRawBufferPointer(rebasing: bytes))
            for (level, share) in zip(levels, shares) {
                let target = level.base + number * share
                for at in stride(from: 0, to: share, by: 8) {
                    target.storeBytes(of: total, toByteOffset: at, as: UInt64.self)
                }
            }
        }
        return "\(computed() - begin) \(total)"
    }

    private func inflate() throws -> String {
        let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { output.deallocate() }
        let begin = computed()
        let inflater = try BodyInflater(.gzip)
        var taken = 0
        var made = 0
        while true {
            let rest = UnsafeRawBufferPointer(rebasing: input[taken...])
            let step = try inflater.inflate(rest, into: output)
            taken += step.consumed
            made += step.produced
            guard step.state == .outputFull else { break }
        }
        try inflater.finish()
        return "\(computed() - begin) \(made)"
    }

    private func copy() -> String {
        let begin = computed()
        let target = UnsafeMutableRawBufferPointer.allocate(byteCount: input.count, alignment: 4096)
        target.copyMemory(from: UnsafeRawBufferPointer(input))
        let seconds = computed() - begin
        defer { target.deallocate() }
        return "\(seconds) \(target[target.count / 2])"
    }

    /// The wrapping sum of the whole 64-bit words.
    private static func words(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        guard let base = bytes.baseAddress else { return 0 }
        let words = base.assumingMemoryBound(to: UInt64.self)
        var total: UInt64 = 0
        for index in 0..<bytes.count / 8 { total &+= words[index] }
        return total
    }
}

/// Whether a slab is done.
private final class Flag: Sendable {
    private let state = Atomic(false)

    var isSet: Bool { state.load(ordering: .acquiring) }

    func set() { state.store(true, ordering: .releasing) }
}
