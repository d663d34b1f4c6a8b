// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Downsampling
import Glibc
import Synchronization
import Voxels

/// The floor of cold chunks: reads the files that each chunk is made of, reduces them by 2 along x, y and z, and drops
/// the result. No sockets, no keeping, no service.
///
/// Every line of the list has the paths of the files of one chunk, each a cube of 64^3 bytes.
struct Floor: Sendable {
    let chunks: [[String]]
    let threads: Int

    private static let side = 64

    /// Chunks a second.
    func chunksPerSecond() throws -> Double {
        let side = Floor.side
        let plan = try PyramidPlan(
            PyramidSpec(
                type: .uint8,
                shape: try Shape([side, side, side]),
                precision: .exact,
                factor: try Factor([2, 2, 2])
            )
        )
        let next = Atomic(0)
        let failures = Atomic(0)
        let group = DispatchGroup()
        let begin = now()
        for _ in 0..<threads {
            DispatchQueue(label: "floor").async(group: group) {
                let memory = UnsafeMutableRawBufferPointer.allocate(
                    byteCount: side * side * side,
                    alignment: 4096
                )
                defer { memory.deallocate() }
                while true {
                    let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                    guard index < chunks.count else { return }
                    for path in chunks[index] where !Floor.reduce(path, memory, plan) {
                        failures.wrappingAdd(1, ordering: .relaxed)
                    }
                }
            }
        }
        group.wait()
        let took = now() - begin
        guard failures.load(ordering: .relaxed) == 0 else {
            throw BenchmarkError("not every file was a cube")
        }
        return Double(chunks.count) / took
    }

    private static func reduce(
        _ path: String,
        _ memory: UnsafeMutableRawBufferPointer,
        _ plan: PyramidPlan
    ) -> Bool {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { return false }
        defer { close(file) }
        guard pread(file, memory.baseAddress, memory.count, 0) == memory.count,
            let engine = try? PyramidEngine(plan, slabsInFlight: 1)
        else { return false }
        let voxels = UnsafeRawBufferPointer(memory)
        for slab in 0..<plan.slabCount {
            let bytes = UnsafeRawBufferPointer(rebasing: voxels[plan.slabRange(slab)])
            guard (try? engine.reduce(slab: slab, bytes, isCancelled: { false })) != nil else { return false }
        }
        return engine.readyByteCount(mip: 1) == memory.count / 8
    }
}
