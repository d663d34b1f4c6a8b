// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Volumes
import Voxels

/// Which chunks of the made levels of a draft can be made, as the layers of level 0 are written.
final class LevelProgress: Sendable {
    private struct State {
        /// For each level, how far its chunks are written along the axis, in its own voxels.
        var written: [Int]
        /// For each level, the next layer of cells.
        var nextLayer: [Int]
    }

    private let volume: ServedVolume
    private let axis: Int
    private let isWhole: Bool
    private let state: Mutex<State>

    /// Layers come along `axis`, where 0 is x; with `isWhole` there is one layer of everything.
    init(_ volume: ServedVolume, axis: Int, isWhole: Bool) {
        self.volume = volume
        self.axis = axis
        self.isWhole = isWhole
        state = Mutex(
            State(
                written: volume.levels.map { $0.bounds.begin[axis] },
                nextLayer: volume.levels.map { _ in 0 }
            )
        )
    }

    /// How many levels are written to the end.
    var finishedCount: Int {
        state.withLock { state in
            volume.levels.filter { state.written[$0.index] >= $0.bounds.end[axis] }.count
        }
    }

    /// Notes that level 0 is written through `box`. Returns what can be made now, level by level in the order in
    /// which it must be: each needs what is made before it. Whoever asks makes all of it. Cells come as a box of them.
    func ready(through box: Box3) -> [(level: Int, cells: Box3)] {
        state.withLock { state in
            state.written[0] = isWhole ? volume.levels[0].bounds.end[axis] : box.end[axis]
            var work: [(level: Int, cells: Box3)] = []
            for level in volume.levels {
                guard case .made(let rule) = level.provider else { continue }
                let grid = level.grids[0]
                var cells = Box3(begin: Extent3(repeating: 0), end: grid.cells)
                cells.begin[axis] = state.nextLayer[level.index]
                while state.nextLayer[level.index] < grid.cells[axis] {
                    var cell = Extent3(repeating: 0)
                    cell[axis] = state.nextLayer[level.index]
                    let layer = grid.box(cell)
                    let base = volume.levels[rule.base].bounds
                    guard rule.sourceBox(of: layer, in: base).end[axis] <= state.written[rule.base] else {
                        break
                    }
                    state.written[level.index] = layer.end[axis]
                    state.nextLayer[level.index] += 1
                }
                cells.end[axis] = state.nextLayer[level.index]
                if !cells.isEmpty { work.append((level.index, cells)) }
            }
            return work
        }
    }
}
