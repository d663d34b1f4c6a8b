// SPDX-License-Identifier: Apache-2.0
import Volumes
package import Voxels
import Workers

/// Which of `count` parts of a build this one is.
package struct BuildShard: Sendable, Equatable {
    package let index: Int
    package let count: Int

    package static let all = BuildShard(index: 0, count: 1)

    package init(index: Int, count: Int) {
        self.index = index
        self.count = count
    }

    /// Reads `I/N`, with I from 0 to N - 1; `nil` for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let index = parts[0], let count = parts[1], (1...1 << 20).contains(count),
            (0..<count).contains(index)
        else { return nil }
        self.init(index: index, count: count)
    }

    /// Which of `total` things in a row are this shard's; shards differ by one at most. `total` may be any number from 0.
    package func share(of total: Int) -> Range<Int> {
        // The same as `index * total / count`, which would not fit for the longest grids.
        let (each, rest) = total.quotientAndRemainder(dividingBy: count)
        func start(_ index: Int) -> Int { index * each + index * rest / count }
        return start(index)..<start(index + 1)
    }
}

/// Makes every chunk of the made levels of a volume that is not kept yet.
///
/// Shards divide the cells of one level, the coarsest that has at least as many cells as there are shards; each shard
/// makes what lies below its cells. The few levels above that one need all shards: the build without shards makes them,
/// or the first request for them.
package struct LevelBuild: Sendable {
    private let supply: ChunkSupply
    private let volume: ServedVolume
    private let shard: BuildShard

    package init(_ supply: ChunkSupply, _ volume: ServedVolume, _ shard: BuildShard) {
        self.supply = supply
        self.volume = volume
        self.shard = shard
    }

    /// Whether what is made has a place to stay; why not is in the log.
    package var canKeep: Bool { volume.store != nil || !volume.levels.contains(where: \.isMade) }

    /// How many chunks there are to make or to find, for each level of this shard, finest first.
    package var plan: [(level: Int, cells: Box3)] {
        let made = volume.levels.filter(\.isMade)
        guard shard.count > 1 else {
            return made.map { ($0.index, Box3(begin: Extent3(repeating: 0), end: $0.grids[0].cells)) }
        }
        guard let top = topLevel(made) else { return [] }
        return made.filter { $0.index <= top.index }.compactMap { level in
            let cells = range(of: level, below: top)
            return cells.isEmpty ? nil : (level.index, cells)
        }
    }

    /// Whether there are levels that no shard makes.
    package var leavesCoarserLevels: Bool {
        let made = volume.levels.filter(\.isMade)
        guard shard.count > 1, let last = made.last else { return false }
        return topLevel(made)?.index != last.index
    }

    /// Makes everything; `done` is called with the level and how many of its chunks were made or found.
    package func run(_ done: (_ level: Int, _ cells: Int) -> Void) async throws {
        let width = supply.workers.lanes + 1
        for (level, cells) in plan {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, cell) in BoxPositions(cells).enumerated() {
                    if index >= width { try await group.next() }
                    group.addTask { _ = try await supply.stored(volume, level, ChunkPlace(cell: cell), nil) }
                }
                try await group.waitForAll()
            }
            // The next level is made of what is kept of this one.
            await supply.keeping.drained()
            done(level, cells.extent.product ?? 0)
        }
    }

    private func topLevel(_ made: [ServedLevel]) -> ServedLevel? {
        made.last { longestAxis($0).count >= shard.count } ?? made.first
    }

    private func longestAxis(_ level: ServedLevel) -> (axis: Int, count: Int) {
        let counts = level.grids[0].cells
        let axis = (0..<3).max { counts[$0] < counts[$1] } ?? 2
        return (axis, counts[axis])
    }

    /// The cells of `level` whose first voxel lies below this shard's cells of `top`: each cell is in one shard.
    private func range(of level: ServedLevel, below top: ServedLevel) -> Box3 {
        let (axis, count) = longestAxis(top)
        let share = shard.share(of: count)
        var cells = Box3(begin: Extent3(repeating: 0), end: level.grids[0].cells)
        cells.begin[axis] = firstCell(of: level, top, axis, share.lowerBound, count)
        cells.end[axis] = firstCell(of: level, top, axis, share.upperBound, count)
        return cells
    }

    private func firstCell(of level: ServedLevel, _ top: ServedLevel, _ axis: Int, _ cell: Int, _ count: Int)
        -> Int
    {
        if cell == 0 { return 0 }
        if cell == count { return level.grids[0].cells[axis] }
        var at = Extent3(repeating: 0)
        at[axis] = cell
        var position = top.grids[0].box(at).begin[axis]
        // Down through the levels between the two, where each has the factor of its own step.
        for between in volume.levels.reversed()
        where between.index > level.index && between.index <= top.index {
            if case .made(let rule) = between.provider {
                position = position.multipliedClamped(by: rule.stepFactor[axis])
            }
        }
        let grid = level.grids[0]
        let offset = max(0, position - grid.bounds.begin[axis])
        return min(grid.chunk[axis].dividingUp(offset), grid.cells[axis])
    }
}
